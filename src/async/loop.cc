#include "async/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace layotto::async {
namespace {

constexpr size_t kEventsPerPassMax = 256;

}  // namespace

struct Loop::Epoll {
  int fd = -1;
  int wake_fd = -1;
  std::array<epoll_event, kEventsPerPassMax> events;
  size_t current = 0;  // next event of this pass to be handled
  size_t count = 0;
};

void Waiter::wake() {
  base::ListLink<Waiter>::unlink();
  base::ListLink<StopNode>::unlink();
  loop_.make_ready(*this);
}

Loop::Loop(const Clock& clock)
    : clock_(clock),
      now_(clock.now()),
      timers_(now_),
      epoll_(std::make_unique<Epoll>()),
      thread_(std::this_thread::get_id()) {
  epoll_->fd = epoll_create1(EPOLL_CLOEXEC);
  CHECK(epoll_->fd >= 0, "epoll_create1 failed: out of file descriptors?");
  epoll_->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(epoll_->wake_fd >= 0, "eventfd failed: out of file descriptors?");
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  CHECK(epoll_ctl(epoll_->fd, EPOLL_CTL_ADD, epoll_->wake_fd, &event) == 0);
}

Loop::~Loop() {
  CHECK(ready_.empty(), "a loop ended with coroutines ready to run");
  Posted* posted = posted_.exchange(nullptr, std::memory_order_acquire);
  while (posted != nullptr) {
    Posted* next = posted->next_;
    posted->discard();
    posted = next;
  }
  close(epoll_->wake_fd);
  close(epoll_->fd);
}

Status Loop::watch(int fd, IoHandler& handler) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &handler}};
  if (epoll_ctl(epoll_->fd, EPOLL_CTL_ADD, fd, &event) != 0) {
    return base::resource_exhausted("cannot watch descriptor {}: {}", fd, base::errno_text(errno));
  }
  return {};
}

void Loop::unwatch(int fd, IoHandler& handler) {
  epoll_ctl(epoll_->fd, EPOLL_CTL_DEL, fd, nullptr);
  // Events of this pass that were not handled yet must not reach a handler that is gone.
  for (size_t i = epoll_->current; i < epoll_->count; ++i) {
    if (epoll_->events[i].data.ptr == &handler) epoll_->events[i].data.ptr = nullptr;
  }
}

void Loop::post(Posted& posted) {
  Posted* head = posted_.load(std::memory_order_relaxed);
  do {
    posted.next_ = head;
  } while (!posted_.compare_exchange_weak(head, &posted, std::memory_order_release,
                                          std::memory_order_relaxed));
  if (head == nullptr) {
    const uint64_t one = 1;
    const ssize_t n = write(epoll_->wake_fd, &one, sizeof(one));
    CHECK(n == sizeof(one) || errno == EAGAIN, "eventfd write failed");
  }
}

void Loop::stop() {
  post([this] { stop_requested_ = true; });
}

void Loop::run() {
  thread_ = std::this_thread::get_id();
  while (!stop_requested_) run_once(std::chrono::hours(1));
  stop_requested_ = false;
}

bool Loop::has_ready_work() const {
  return !ready_.empty() || !pass_end_.empty() ||
         posted_.load(std::memory_order_relaxed) != nullptr;
}

void Loop::run_once(Duration wait_max) {
  thread_ = std::this_thread::get_id();
  int timeout_ms = 0;
  if (!has_ready_work()) {
    Duration wait = wait_max;
    if (const auto next = timers_.next(); next.has_value()) {
      wait = std::min(wait, *next - clock_.now());
    }
    const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    timeout_ms = static_cast<int>(std::clamp<int64_t>(wait_ms, 0, 60'000));
  }
  const int n = epoll_wait(epoll_->fd, epoll_->events.data(), kEventsPerPassMax, timeout_ms);
  CHECK(n >= 0 || errno == EINTR, "epoll_wait failed");
  now_ = std::max(now_, clock_.now());
  ++counters_.passes;
  timers_.advance(now_);
  epoll_->count = n > 0 ? static_cast<size_t>(n) : 0;
  counters_.io_events += epoll_->count;
  for (epoll_->current = 0; epoll_->current < epoll_->count;) {
    const epoll_event& event = epoll_->events[epoll_->current++];
    auto* handler = static_cast<IoHandler*>(event.data.ptr);
    if (handler == nullptr) continue;  // the wake-up, or unwatched meanwhile
    handler->on_io({.readable = (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0,
                    .writable = (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0,
                    .hangup = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0});
  }
  epoll_->count = 0;
  run_posted();
  run_ready();
  run_pass_end();
}

void Loop::run_posted() {
  Posted* posted = posted_.load(std::memory_order_relaxed);
  if (posted == nullptr) return;
  // Edge-triggered: the eventfd need not be read, each write is a new edge.
  posted = posted_.exchange(nullptr, std::memory_order_acquire);
  Posted* in_order = nullptr;
  while (posted != nullptr) {
    Posted* next = posted->next_;
    posted->next_ = in_order;
    in_order = posted;
    posted = next;
  }
  while (in_order != nullptr) {
    Posted* next = in_order->next_;
    in_order->run();
    in_order = next;
  }
}

void Loop::run_ready() {
  WaitList batch;
  batch.splice_back(ready_);
  while (Waiter* waiter = batch.pop_front()) {
    ++counters_.resumed;
    waiter->handle_.resume();
  }
}

void Loop::run_pass_end() {
  base::IntrusiveList<PassEnd, PassEnd> batch;
  batch.splice_back(pass_end_);
  while (PassEnd* hook = batch.pop_front()) hook->at_pass_end();
}

}  // namespace layotto::async
