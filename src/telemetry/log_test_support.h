// For the tests of logs: a folder that goes when the test ends, and what is in its files.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "telemetry/log_file.h"

namespace layotto::telemetry {

class LogFolder : public ::testing::Test {
 protected:
  LogFolder() {
    std::string name = ::testing::TempDir() + "layotto-log-XXXXXX";
    CHECK(mkdtemp(name.data()) != nullptr);
    folder_ = name;
  }
  ~LogFolder() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(std::string_view name) const { return (folder_ / name).string(); }
  [[nodiscard]] static std::string read(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  static std::unique_ptr<LogFile> open(const std::string& path, LogFileOptions options = {}) {
    auto file = LogFile::open(path, options);
    CHECK(file.ok(), file.error().message());
    return *std::move(file);
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace layotto::telemetry
