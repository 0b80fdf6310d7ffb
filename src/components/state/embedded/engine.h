// Engine: one state.embedded of the process: its storage and its writer, opened by the first worker
// that starts and closed by the last that stops.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>

#include "async/blocking_pool.h"
#include "blocks/component.h"
#include "blocks/spec.h"
#include "components/state/embedded/storage.h"
#include "components/state/embedded/writer.h"

namespace layotto::components::state::embedded {

class Engine final : public blocks::Shared, public std::enable_shared_from_this<Engine> {
 public:
  Engine(Storage::Options storage, Writer::Limits limits, const blocks::ProcessEnv& env);
  ~Engine() override;

  // Blocking; on threads of blocking().
  Status open();
  // Nothing happens while somebody is attached.
  void close();

  // A worker uses it from now on. False when it is not open.
  bool attach();
  // True for the last: close() then.
  bool detach();

  [[nodiscard]] Storage& storage() { return storage_; }
  [[nodiscard]] Writer& writer() { return writer_; }
  [[nodiscard]] async::BlockingPool& blocking() { return blocking_; }

 private:
  Storage storage_;
  Writer writer_;
  async::BlockingPool& blocking_;
  std::mutex life_;   // held while it is opened or closed
  std::mutex count_;  // taken after life_, for a moment
  bool open_ = false;
  unsigned attached_ = 0;
};

}  // namespace layotto::components::state::embedded
