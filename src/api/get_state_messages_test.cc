// GetState's messages by hand mean what protobuf's classes say they mean.
#include "api/get_state_messages.h"

#include <gtest/gtest.h>

#include <string>

namespace layotto::api {
namespace {

// What the generated class makes of the bytes, and what ours does: equal, or both refuse.
void expect_same(const std::string& bytes) {
  runtime::GetStateRequest generated;
  const bool valid = generated.ParseFromString(bytes);
  GetStateRequest ours;
  ASSERT_EQ(ours.parse(bytes), valid) << ::testing::PrintToString(bytes);
  if (!valid) return;
  EXPECT_EQ(ours.store_name(), generated.store_name());
  EXPECT_EQ(ours.key(), generated.key());
  EXPECT_EQ(ours.consistency(), generated.consistency());
}

TEST(GetStateRequest, ReadsWhatProtobufReads) {
  runtime::GetStateRequest request;
  expect_same("");
  request.set_store_name("demo");
  expect_same(request.SerializeAsString());
  request.set_key("key");
  expect_same(request.SerializeAsString());
  for (const int consistency : {0, 1, 2, 77, 1000, -1}) {
    request.set_consistency(static_cast<runtime::StateOptions::StateConsistency>(consistency));
    expect_same(request.SerializeAsString());
  }
  (*request.mutable_metadata())["a"] = "b";
  expect_same(request.SerializeAsString());
  for (const size_t size : {1UL, 127UL, 128UL, 129UL, 16'383UL, 16'384UL, 100'000UL}) {
    request.set_key(std::string(size, 'k'));
    expect_same(request.SerializeAsString());
  }
  request.set_key("schl\xC3\xBCssel");
  expect_same(request.SerializeAsString());
}

TEST(GetStateRequest, RefusesWhatProtobufRefuses) {
  using namespace std::string_literals;
  const std::string good = "\x0A\x04"s + "demo" + "\x12\x01k";
  for (size_t size = 0; size <= good.size(); ++size) expect_same(good.substr(0, size));
  for (size_t at = 0; at < good.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(byte);
      expect_same(bytes);
    }
  }
  expect_same("\x12\x02\xC3\x28"s);    // not UTF-8
  expect_same("\x12\x01k\x12\x01l"s);  // the last one counts
  expect_same("\x18\x01\x18\x02"s);
  expect_same("\x0A\x81\x00x"s);         // a length in more bytes than it needs
  expect_same("\x2A\x01x"s);             // unknown fields: 5
  expect_same("\x7D\x01\x02\x03\x04"s);  // and 15, four bytes
  expect_same("\x0B\x0C"s);              // a group
  expect_same("\x18\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"s);
  expect_same("\x18"s);
  expect_same("\x00\x00"s);
}

TEST(GetStateRequest, IsReadAnew) {
  runtime::GetStateRequest request;
  request.set_store_name("demo");
  request.set_key("schl\xC3\xBCssel");
  request.set_consistency(runtime::StateOptions::CONSISTENCY_STRONG);
  const std::string first = request.SerializeAsString();
  GetStateRequest ours;
  ASSERT_TRUE(ours.parse(first));
  ASSERT_TRUE(ours.parse(""));
  EXPECT_EQ(ours.store_name(), "");
  EXPECT_EQ(ours.key(), "");
  EXPECT_EQ(ours.consistency(), 0);
}

std::string written(GetStateReply& reply) {
  std::string out(reply.byte_size(), '\0');
  reply.write(out.data());
  return out;
}

TEST(GetStateReply, WritesWhatProtobufWrites) {
  GetStateReply reply;
  EXPECT_EQ(written(reply), "");
  for (const size_t size : {0UL, 1UL, 127UL, 128UL, 20'000UL, 3'000'000UL}) {
    for (const std::string_view etag : {"", "1", "0123456789abcdef"}) {
      reply.item.found = true;
      reply.item.value = std::string(size, '\x80');
      reply.item.etag = etag;
      runtime::GetStateResponse generated;
      generated.set_data(reply.item.value);
      generated.set_etag(reply.item.etag);
      EXPECT_EQ(written(reply), generated.SerializeAsString()) << size << etag;
      reply.item.expires_at = WallTime(std::chrono::seconds(1'700'000'000));
      (*generated.mutable_metadata())["ttlExpireTime"] = "2023-11-14T22:13:20Z";
      EXPECT_EQ(written(reply), generated.SerializeAsString()) << size << etag;
      reply.clear();
      EXPECT_EQ(written(reply), "");
    }
  }
}

}  // namespace
}  // namespace layotto::api
