// The settings: Layotto's names, and what contradicts itself.
#include <gtest/gtest.h>

#include "components/state/redis/redis.h"
#include "config/document.h"
#include "config/problem.h"

namespace layotto::components::state::redis {
namespace {

struct Read {
  RedisSettings settings;
  bool ok = false;
  std::string said;
};

Read read(std::string_view text, config::Strictness strictness = config::Strictness::kStrict) {
  Read result;
  config::Problems problems;
  const auto document = config::read_yaml(text, "settings", problems);
  CHECK(document.has_value(), problems.to_string());
  config::ParsePass pass{.problems = problems, .strictness = strictness};
  const config::AnySchema& schema = *spec().schema;
  result.ok = schema.read(document->root(), &result.settings, pass);
  result.said = problems.to_string();
  return result;
}

TEST(RedisSettings, NeedOneAddressOnly) {
  const Read got = read("{redis_host: 'localhost:6379'}");
  ASSERT_TRUE(got.ok) << got.said;
  EXPECT_EQ(got.settings.redis_host, "localhost:6379");
  EXPECT_EQ(got.settings.redis_type, ServerKind::kNode);
  EXPECT_FALSE(got.settings.enable_tls);
  EXPECT_EQ(got.settings.max_retries, 3U);
  EXPECT_FALSE(read("{}").ok);
}

TEST(RedisSettings, AreReadFromLayottosMetadata) {
  const Read got = read(R"({"redisHost": "redis:6379", "redisPassword": "s3cret",
      "redisUsername": "app", "redisDB": "3", "redisType": "node", "redisMaxRetries": "5",
      "enableTLS": "true", "dialTimeout": "7s", "readTimeout": "2000000000",
      "redisMinRetryInterval": "8ms", "redisMaxRetryInterval": "512ms", "writeTimeout": "3s",
      "poolSize": "20", "minIdleConns": "1", "maxConnAge": "1h", "poolTimeout": "4s",
      "idleTimeout": "5m", "idleCheckFrequency": "1m", "failover": "false",
      "maxRetryBackoff": "2000000000"})",
                        config::Strictness::kLenient);
  ASSERT_TRUE(got.ok) << got.said;
  EXPECT_EQ(got.settings.redis_host, "redis:6379");
  EXPECT_EQ(got.settings.redis_password.reveal(), "s3cret");
  EXPECT_EQ(got.settings.redis_username, "app");
  EXPECT_EQ(got.settings.redis_db, 3U);
  EXPECT_EQ(got.settings.max_retries, 5U);
  EXPECT_TRUE(got.settings.enable_tls);
  EXPECT_EQ(got.settings.dial_timeout, std::chrono::seconds(7));
  EXPECT_EQ(got.settings.read_timeout, std::chrono::seconds(2)) << "bare: nanoseconds, as in Go";
  EXPECT_EQ(got.said.find("unknown"), std::string::npos) << got.said;
}

TEST(RedisSettings, AreReadFromLayottosMetadataWithSentinels) {
  const Read got = read(R"({"redisHost": "a:26379, b:26379", "failover": "true",
      "sentinelMasterName": "main", "redisType": "node"})",
                        config::Strictness::kLenient);
  ASSERT_TRUE(got.ok) << got.said;
  EXPECT_EQ(got.settings.sentinel_master_name, "main");
}

TEST(RedisSettings, AreRefusedWhenTheyContradictThemselves) {
  struct Wrong {
    const char* text;
    const char* said;
  };
  for (const Wrong& wrong : {
           Wrong{"{redis_host: 'a:1', redis_type: cluster, sentinel_master_name: m}",
                 "a cluster has no Sentinels"},
           Wrong{"{redis_host: 'a:1', redis_type: cluster, redis_db: 1}",
                 "a cluster has database 0 only"},
           Wrong{"{redis_host: 'a:1,b:2'}", "several addresses"},
           Wrong{"{redis_host: 'a:1', tls_key: k}", "a certificate and its key come together"},
           Wrong{"{redis_host: 'a:none'}", "redis_host"},
           Wrong{"{redis_host: 'a:1,,b:1', redis_type: cluster}", "redis_host"},
           Wrong{"{redis_host: ''}", "redis_host"},
           Wrong{"{redis_host: 'a:1', redis_type: ring}", "redis_type"},
           Wrong{"{redis_host: 'a:1', dial_timeout: 0s}", "dial_timeout"},
           Wrong{"{redis_host: 'a:1', redis_hosts: 'a:1'}", "redis_hosts"},
       }) {
    const Read got = read(wrong.text);
    EXPECT_FALSE(got.ok) << wrong.text;
    EXPECT_NE(got.said.find(wrong.said), std::string::npos) << wrong.text << ": " << got.said;
  }
}

}  // namespace
}  // namespace layotto::components::state::redis
