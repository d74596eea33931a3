"""The one table of keys: bindings, help and tests are made of it."""

from typing import Final

from kafkalert.views.pictures.keys import Key
from kafkalert.views.pictures.look import ALERTS, FAILOVER, INSTANCES, LAG, SCREENS

KEYS: Final = (
    Key("f", "f", "switch(False)", "move all stages", FAILOVER),
    Key("F", "F", "switch(True)", "force: it is dead", FAILOVER),
    Key("D", "D", "dry_run", "dry run, all checks", FAILOVER),
    Key("c", "c", "call_off", "call the switch off", FAILOVER),
    Key("space", "space", "freeze", "freeze or follow", ALERTS),
    Key("s", "s", "sort", "sort otherwise", LAG),
    Key("enter", "enter", "open", "all about the row", INSTANCES),
    *(Key(str(place), str(place), f"show({place})", name) for place, name in enumerate(SCREENS, 1)),
    Key("question_mark", "?", "help", "keys and marks"),
    Key("down,j", "↓ j", "move(1)", "next row"),
    Key("up,k", "↑ k", "move(-1)", "row before"),
    Key("pagedown", "page ↓", "move(10)", "ten rows on"),
    Key("pageup", "page ↑", "move(-10)", "ten rows back"),
    Key("g,home", "g", "first", "first row"),
    Key("G,end", "G", "last", "last row"),
    Key("slash", "/", "filter", "only rows that hold"),
    Key("escape", "esc", "back", "back"),
    Key("e", "e", "changes", "what changed"),
    Key("y", "y", "note", "copy a note"),
    Key("colon", ":", "command_palette", "screens by name"),
    Key("q,ctrl+c,ctrl+q", "q", "end", "end"),
)
