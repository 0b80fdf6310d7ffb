// TestSidecar: a server for the verbs to talk to, with real sockets and a thread of its own: a few
// rpcs over a map, health, reflection, pages. And what a verb said: Said. For tests; the server is
// in test_sidecar_test.cc.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "cli/console.h"
#include "net/tls.h"

namespace layotto::cli {

// A console whose output can be looked at.
class Said {
 public:
  explicit Said(int in = -1)
      : console{.in = in,
                .out = open_memstream(&out_text_, &out_size_),
                .err = open_memstream(&err_text_, &err_size_)} {}
  Said(const Said&) = delete;
  Said& operator=(const Said&) = delete;
  ~Said() {
    std::fclose(console.out);
    std::fclose(console.err);
    std::free(out_text_);
    std::free(err_text_);
  }
  [[nodiscard]] std::string out() const {
    std::fflush(console.out);
    return {out_text_, out_size_};
  }
  [[nodiscard]] std::string err() const {
    std::fflush(console.err);
    return {err_text_, err_size_};
  }

 private:
  char* out_text_ = nullptr;
  size_t out_size_ = 0;
  char* err_text_ = nullptr;
  size_t err_size_ = 0;

 public:
  Console console;
};

// A pipe, to be a verb's stdin or stdout.
class Pipe {
 public:
  Pipe() { CHECK(pipe(fds_) == 0); }
  ~Pipe() {
    close(fds_[0]);
    end();
  }
  [[nodiscard]] int in() const { return fds_[0]; }
  [[nodiscard]] int out() const { return fds_[1]; }
  void write(std::string_view text) const {
    CHECK(::write(fds_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  // Up to a line end, which is not kept.
  [[nodiscard]] std::string read_line() const {
    std::string line;
    for (char c = 0; ::read(fds_[0], &c, 1) == 1 && c != '\n';) line.push_back(c);
    return line;
  }
  void end() {
    if (fds_[1] >= 0) close(std::exchange(fds_[1], -1));
  }

 private:
  int fds_[2] = {-1, -1};
};

class TestSidecar {
 public:
  // Answers a page: "METHOD path?query" → status and body. Called on the server's thread.
  using Pages = std::function<std::pair<uint16_t, std::string>(const std::string& request)>;
  explicit TestSidecar(Pages pages = {},
                       std::shared_ptr<const net::TlsServerContext> tls = nullptr);
  TestSidecar(const TestSidecar&) = delete;
  TestSidecar& operator=(const TestSidecar&) = delete;
  ~TestSidecar();

  [[nodiscard]] const std::string& address() const;
  [[nodiscard]] const std::string& unix_address() const;
  // Of the last item saved; 0: it had none.
  [[nodiscard]] int last_ttl() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace layotto::cli
