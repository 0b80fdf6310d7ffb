// `backup` against a server with a page, and without one.
#include "cli/backup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>

#include "cli/test_sidecar.h"

namespace layotto::cli {
namespace {

struct Backing {
  int run(const std::vector<std::string>& words, BackupOptions options) {
    const Said said;
    options.console = said.console;
    const int code = backup(words, options);
    err = said.err();
    EXPECT_EQ(said.out(), "");
    return code;
  }
  std::string err;
};

TEST(BackupVerb, AsksTheSidecar) {
  std::mutex mutex;
  std::string last_request;
  const TestSidecar sidecar([&](const std::string& request) {
    const std::lock_guard lock(mutex);
    last_request = request;
    return std::pair<uint16_t, std::string>(200, "{}");
  });
  const auto asked = [&] {
    const std::lock_guard lock(mutex);
    return last_request;
  };
  Backing b;
  EXPECT_EQ(b.run({"state.demo", "/backup/a b&c"}, {.admin_address = sidecar.unix_address()}), 0);
  EXPECT_EQ(asked(), "POST /layotto/backup?component=state.demo&folder=/backup/a%20b%26c");
  EXPECT_EQ(b.err, "state.demo copied to /backup/a b&c\n");
  EXPECT_EQ(b.run({"state.demo", "here"}, {.admin_address = sidecar.address()}), 0);
  EXPECT_EQ(asked(), "POST /layotto/backup?component=state.demo&folder=" +
                         std::filesystem::current_path().string() + "/here");
}

TEST(BackupVerb, SaysWhatTheSidecarAnswered) {
  const TestSidecar sidecar([&](const std::string&) {
    return std::pair<uint16_t, std::string>(409, "/backup/a exists\n");
  });
  Backing b;
  const auto never = [](const std::string&, const std::string&, const std::string&) -> Status {
    ADD_FAILURE() << "a sidecar runs";
    return {};
  };
  EXPECT_EQ(b.run({"state.demo", "/backup/a"},
                  {.admin_address = sidecar.address(), .copy_unheld = never}),
            10);
  EXPECT_EQ(b.err, "ABORTED: /backup/a exists\n");
}

TEST(BackupVerb, CopiesByItselfWhenNobodyRuns) {
  Backing b;
  EXPECT_EQ(b.run({"state.demo", "/a"}, {.admin_address = "127.0.0.1:1"}), 14);
  EXPECT_NE(b.err.find("no sidecar to ask: cannot connect to 127.0.0.1:1"), std::string::npos);
  std::string copied;
  const auto copy = [&](const std::string& data, const std::string& component,
                        const std::string& folder) -> Status {
    if (folder == "/full") return base::resource_exhausted("no space");
    copied = data + " " + component + " " + folder;
    return {};
  };
  const BackupOptions options{
      .admin_address = "127.0.0.1:1", .data_folder = "/data", .copy_unheld = copy};
  EXPECT_EQ(b.run({"state.demo", "/a"}, options), 0);
  EXPECT_EQ(copied, "/data state.demo /a");
  EXPECT_EQ(b.run({"state.demo", "/full"}, options), 8);
  EXPECT_EQ(b.err, "RESOURCE_EXHAUSTED: no space\n");
}

TEST(BackupVerb, WantsAComponentAndAFolder) {
  Backing b;
  const std::vector<std::vector<std::string>> all = {
      {}, {"state.demo"}, {"state.demo", ""}, {"", "/a"}, {"state.demo", "/a", "b"}};
  for (const auto& words : all) EXPECT_EQ(b.run(words, {.admin_address = "127.0.0.1:1"}), 3);
}

}  // namespace
}  // namespace layotto::cli
