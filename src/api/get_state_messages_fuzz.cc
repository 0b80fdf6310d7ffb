// Any bytes as GetStateRequest: ours and protobuf's class agree on what they mean. The same bytes
// as value and etag of an answer: what is written is what protobuf would write.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/get_state_messages.h"

namespace layotto::api {
namespace {

void check_request(std::string_view bytes) {
  runtime::GetStateRequest generated;
  const bool valid = generated.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  GetStateRequest ours;
  CHECK(ours.parse(bytes) == valid, "one takes what the other refuses");
  if (!valid) return;
  CHECK(ours.store_name() == generated.store_name());
  CHECK(ours.key() == generated.key());
  CHECK(ours.consistency() == generated.consistency());
}

void check_reply(std::string_view bytes) {
  GetStateReply reply;
  const size_t cut = bytes.empty() ? 0 : static_cast<uint8_t>(bytes[0]) % bytes.size();
  reply.item.found = true;
  reply.item.value = bytes.substr(cut);
  // An etag is UTF-8 by contract; protobuf would only complain on stderr.
  for (const char c : bytes.substr(0, cut)) reply.item.etag += static_cast<char>(c & 0x7f);
  runtime::GetStateResponse generated;
  generated.set_data(reply.item.value);
  generated.set_etag(reply.item.etag);
  std::string out(reply.byte_size(), '\0');
  reply.write(out.data());
  CHECK(out == generated.SerializeAsString());
}

}  // namespace
}  // namespace layotto::api

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  layotto::api::check_request(bytes);
  layotto::api::check_reply(bytes);
  return 0;
}
