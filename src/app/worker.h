// Worker: one thread with its loop and everything that is touched by this thread only: doors,
// services, component fronts. The main thread makes it, starts it, asks it (async::call_on its
// loop) and ends it.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "admin/site.h"
#include "api/mount.h"
#include "app/component_host.h"
#include "app/door.h"
#include "app/health_board.h"
#include "async/loop.h"
#include "grpc/health.h"
#include "grpc/reflection.h"
#include "grpc/server.h"
#include "http/server.h"
#include "net/ares_resolver.h"
#include "net/listener.h"
#include "net/system_dialer.h"
#include "settings/load.h"

namespace layotto::app {

struct Process;

class Worker {
 public:
  struct Env {
    unsigned index = 0;
    Process& process;
    HealthBoard& board;
    const settings::LoadedConfig& config;
    const SharedComponents& shared;
    // Adds the read-only pages of the API doors; called on the worker's thread.
    std::function<void(admin::Site&)> add_pages;
  };
  explicit Worker(Env env);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // The thread must have ended (join()).
  ~Worker();

  // Starts the thread. `tried` is posted to `main` when every component was tried once, with the
  // Error that keeps the worker from working, if there is one.
  void start(async::Loop& main, std::function<void(Status)> tried);
  void join();

  // ---- any thread
  [[nodiscard]] async::Loop& loop() { return loop_; }
  // Hands an accepted socket of listener number `door` over.
  void adopt(size_t door, int fd);
  // Open connections; a moment old.
  [[nodiscard]] uint64_t connections() const { return connections_.read(); }

  // ---- on the worker's thread (async::call_on)
  // Accepts by itself: for a process with one worker.
  Status listen(size_t door, net::ListeningSocket socket);
  [[nodiscard]] Door& door(size_t i) { return *doors_[i]; }
  [[nodiscard]] std::vector<http::ConnectionSnapshot> snapshot();
  void set_serving(bool serving);
  // Soft: readiness and connections are told.
  void begin_drain();
  // Accepts no more, waits for the connections to end; at `until` ends those that are left.
  Task<void> finish_doors(TimePoint until);
  Task<void> end_components();
  // Stops the loop: the thread ends.
  void end();
  [[nodiscard]] ComponentHost& components() { return *components_; }
  [[nodiscard]] async::TaskGroup& tasks() { return *tasks_; }

 private:
  // Takes sockets for one door.
  struct Accepting final : net::Acceptor {
    Accepting(Worker& worker_in, size_t door_in) : worker(worker_in), door(door_in) {}
    void accepted(int fd) override { worker.take(door, fd); }
    Worker& worker;
    size_t door;
  };

  // The services as doors with one limit for messages serve them.
  struct Api {
    std::unique_ptr<grpc::Server> grpc;
    std::unique_ptr<grpc::ReflectionService> reflection;
  };
  grpc::Server& api_for(size_t message_bytes_max);

  void run(async::Loop* main, std::function<void(Status)> tried);
  Status build();
  void take(size_t door, int fd);
  static Task<void> report_when_tried(Worker* self, async::Loop* main,
                                      std::function<void(Status)> tried);
  static Task<void> watch_connections(Worker* self);

  Env env_;
  async::Loop loop_;
  std::thread thread_;
  base::Tally connections_;

  // Made and destroyed on the worker's thread, in this order and in reverse.
  std::unique_ptr<async::TaskGroup> tasks_;
  std::unique_ptr<telemetry::Shard> metrics_;
  std::unique_ptr<Random> random_;
  std::unique_ptr<telemetry::LineWriter> access_log_;
  std::vector<char> read_buffer_;
  std::unique_ptr<net::AresResolver> resolver_;
  std::unique_ptr<net::SystemDialer> dialer_;
  std::unique_ptr<ComponentHost> components_;
  std::unique_ptr<grpc::HealthService> health_;
  std::unique_ptr<admin::Site> pages_;
  std::vector<Api> apis_;
  http::LiveConnections live_;
  std::vector<std::unique_ptr<Door>> doors_;
  std::vector<std::unique_ptr<Accepting>> accepting_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
};

}  // namespace layotto::app
