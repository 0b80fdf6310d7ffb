// LineInput: the lines of a text, or of a descriptor while they come. A descriptor is read on a
// thread of its own, so that the loop never waits for a person; the thread ends with the object,
// whatever it waits for.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/blocking_pool.h"
#include "async/loop.h"
#include "async/task.h"

namespace layotto::cli {

class LineInput {
 public:
  LineInput(async::Loop& loop, std::string text);
  // `fd` stays open as long as the object.
  LineInput(async::Loop& loop, int fd);
  LineInput(const LineInput&) = delete;
  LineInput& operator=(const LineInput&) = delete;
  ~LineInput();

  // Without its line end; nullopt when there are no more. One caller at a time, and none after a
  // wait that was stopped.
  Task<Result<std::optional<std::string>>> next();

 private:
  using Line = Result<std::optional<std::string>>;
  // On the thread.
  Line read_line();
  Status read_more();
  std::optional<std::string> take_line();

  async::Loop& loop_;
  int fd_ = -1;
  int ending_ = -1;  // readable once the object goes
  std::string unread_;
  size_t searched_ = 0;  // bytes of unread_ without a line end
  bool ended_ = false;
  std::unique_ptr<async::BlockingPool> pool_;
};

}  // namespace layotto::cli
