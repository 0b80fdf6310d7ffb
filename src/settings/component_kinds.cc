#include "settings/component_kinds.h"

#include <algorithm>

#include "base/check.h"

namespace layotto::settings {
namespace {

constexpr std::string_view kSecretStores[] = {
    "aws.parameterstore", "aws.secretmanager", "azure.keyvault", "gcp.secretmanager",
    "hashicorp.vault",    "kubernetes",        "local.env",      "local.file"};
constexpr std::string_view kConfigStores[] = {"apollo", "etcd", "in-memory", "nacos"};
constexpr std::string_view kHellos[] = {"helloworld"};
constexpr std::string_view kStateStores[] = {"aerospike",
                                             "aws.dynamodb",
                                             "azure.blobstorage",
                                             "azure.cosmosdb",
                                             "azure.tablestorage",
                                             "cassandra",
                                             "cloudstate.crdt",
                                             "consul",
                                             "couchbase",
                                             "gcp.firestore",
                                             "hazelcast",
                                             "in-memory",
                                             "memcached",
                                             "mongodb",
                                             "mysql",
                                             "postgresql",
                                             "redis",
                                             "rethinkdb",
                                             "sqlserver",
                                             "zookeeper"};
constexpr std::string_view kBindings[] = {"http"};
constexpr std::string_view kPubSubs[] = {
    "azure.eventhubs", "azure.servicebus", "gcp.pubsub", "hazelcast", "in-memory", "kafka", "mqtt",
    "natsstreaming",   "pulsar",           "rabbitmq",   "redis",     "snssqs"};
constexpr std::string_view kFiles[] = {"aliyun.oss", "aws.s3",    "hdfs",       "local",
                                       "minio",      "qiniu.oss", "tencent.oss"};
constexpr std::string_view kObjectStores[] = {"aliyun.oss", "aws.oss", "ceph", "huaweicloud.oss"};
constexpr std::string_view kLocks[] = {"consul", "etcd",          "in-memory", "mongo",
                                       "redis",  "redis_cluster", "zookeeper"};
constexpr std::string_view kSequencers[] = {"etcd",  "in-memory", "mongo",    "mysql",
                                            "redis", "snowflake", "zookeeper"};
constexpr std::string_view kCryption[] = {"aliyun.kms", "aws.kms"};
constexpr std::string_view kEmail[] = {"aliyun.email"};
constexpr std::string_view kSms[] = {"tencentcloud.sms"};

constexpr ComponentKind kKinds[] = {
    {"secret_store", "secret store", kSecretStores},
    {"config_store", "configuration store", kConfigStores},
    {"custom_component", "custom component", {}},
    {"hellos", "greeting", kHellos},
    {"state", "state store", kStateStores},
    {"rpcs", "service invocation", {}},
    {"bindings", "binding", kBindings},
    {"pub_subs", "pub/sub", kPubSubs},
    {"file", "file store", kFiles},
    {"oss", "object store", kObjectStores},
    {"lock", "lock store", kLocks},
    {"sequencer", "sequencer", kSequencers},
    {"cryption", "cipher", kCryption},
    {"email", "email sender", kEmail},
    {"phone", "phone caller", {}},
    {"sms", "text message sender", kSms},
};

}  // namespace

std::span<const ComponentKind> component_kinds() { return kKinds; }

const ComponentKind& component_kind(std::string_view section) {
  const auto* const found =
      std::find_if(std::begin(kKinds), std::end(kKinds),
                   [section](const ComponentKind& kind) { return kind.section == section; });
  CHECK(found != std::end(kKinds), "no such kind of component");
  return *found;
}

}  // namespace layotto::settings
