"""The commented kafkalert.toml that `kafkalert init` writes."""

TEMPLATE = """\
# kafkalert.toml: where the clusters are, and how the pipeline runs on them.
# `kafkalert config check` reports every mistake; `kafkalert config show` what is in force and where it came from.
# A value may also come from a variable: KAFKALERT_ENGINE__BATCH=100 is batch of [engine], and comes before this file.
# A secret never stands here: write {env = "NAME"} or {file = "PATH"}; a relative path starts at this file's folder.
# A duration has its unit: "500ms", "30s", "1h30m", "7d".

# The context that is used without -C.
context = "local"

# One table a cluster; any property of librdkafka goes under .kafka.
[clusters.dc1]
bootstrap = "127.0.0.1:9092"  # HOST:PORT of brokers of this one cluster, commas between

# [clusters.dc1.kafka]
# security.protocol = "SASL_SSL"
# sasl.mechanism = "SCRAM-SHA-512"
# sasl.username = "kafkalert"
# sasl.password = {env = "DC1_PASSWORD"}
# ssl.ca.location = "/etc/ssl/certs/bank.pem"

# [clusters.dc2]
# bootstrap = "127.0.0.1:9192"
# connect = "http://127.0.0.1:8083"  # the Kafka Connect workers beside dc2, which host the flow into it, commas between
# connect_auth = {env = "DC2_CONNECT"}  # user:password
# connect_ca = "connect-ca.pem"         # what https is checked by; the system's certificates without it
# connect_certificate = "client.pem"    # by which the workers know us, with its key unless connect_key names that

# One table an environment: its clusters, the first of which is active at the start, and what may be done there.
[contexts.local]
clusters = ["dc1"]
# prefix = ""           # put before every topic and group, on clusters that others use too
# production = false    # true: a change asks for the context's name
# read_only = false     # true: every change is refused
# unmask = false        # true: --unmask may show personal data; its use is logged

[topics]
# partitions = 4
# replication = 1
# retention = "7d"            # of topics that are deleted by age
# delete_retention = "1d"     # how long a compacted topic keeps tombstones

# Topics that have another name here:
# [topics.names]
# accountentry = "payments.accountentry"

[serde]
# framing = "single-object"   # or "confluent", which needs a registry
# registry = "https://registry.bank.example"
# registry_auth = {file = "registry-password"}
# largest_record = 1048576      # most bytes of a row or an entry; a larger one is a dead letter

[alerts]
# The key of the hash that makes an alert's id, 16 to 64 bytes, the same on both sites. Without it, a public one.
# id_key = {env = "KAFKALERT_ID_KEY"}

[engine]
# mode = "one-hop"            # "two-hop" writes customeraccountentry, for other systems that read it
# state = ".kafkalert/state"  # the folder of the tables; on a local disk
# offsets_gone = "refuse"     # a group that lost its offsets does not start; "again": it processes everything again
# commit_interval = "1s"
# batch = 500                 # records taken at a time
# linger = "50ms"             # how long a message waits for others while entries wait to be read

[mirror]
# tasks = 2                   # of each flow between the clusters; they share its partitions
# refresh = "5s"              # how often a flow looks for new topics

[drill]
# What `failover drill` writes entries of, and where their alerts go. Both ids begin with kafkalert-canary.
# account = "kafkalert-canary"
# customer = "kafkalert-canary"
# address = "canary@example.invalid"  # a mailbox of your own; the default reaches nobody
"""
