// DrainSource: the soft signal. It says "come to an end": connections tell their peers, long
// streams finish what is in flight. The hard signal is StopSource. One per worker, listener or
// chain; one thread.
#pragma once

#include "async/event.h"
#include "base/intrusive_list.h"

namespace layotto::async {

// Told when draining begins; for those who are not waiting anywhere.
class DrainListener : public base::ListLink<DrainListener> {
 public:
  virtual void on_drain() = 0;

 protected:
  ~DrainListener() = default;
};

class DrainSource {
 public:
  explicit DrainSource(Loop& loop) : begun_(loop) {}

  // Once; later calls do nothing.
  void begin() {
    if (begun_.is_set()) return;
    begun_.set();
    while (DrainListener* listener = listeners_.pop_front()) listener->on_drain();
  }
  [[nodiscard]] bool draining() const { return begun_.is_set(); }
  // `co_await drain.begun().wait()`.
  [[nodiscard]] Event& begun() { return begun_; }
  // Told at once when draining already.
  void listen(DrainListener& listener) {
    if (draining()) {
      listener.on_drain();
    } else {
      listeners_.push_back(listener);
    }
  }

 private:
  Event begun_;
  base::IntrusiveList<DrainListener, DrainListener> listeners_;
};

}  // namespace layotto::async
