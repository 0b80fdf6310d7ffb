#include "http/body.h"

#include "base/byte_chain.h"

namespace layotto::http {
namespace {

Error too_large(size_t max) {
  return base::resource_exhausted("the body has more than {} bytes", max);
}

Task<Result<Bytes>> read_stream(Body& body, size_t max) {
  ByteChain collected;
  while (true) {
    CO_TRY(Chunk chunk, co_await body.read(max - collected.size() + 1));
    collected.append(std::move(chunk.data));
    if (collected.size() > max) co_return too_large(max);
    if (chunk.end) break;
  }
  body.mark_ended();
  co_return collected.take_all();
}

}  // namespace

Task<Result<Bytes>> read_all(Body& body, size_t max) {
  if (!body.is_complete()) return read_stream(body, max);
  if (body.bytes().size() > max) return async::failed<Result<Bytes>>(too_large(max));
  return async::ready(Result<Bytes>(body.take_bytes()));
}

}  // namespace layotto::http
