// Reading files whole, and references to the process's surroundings.
#include "settings/file_reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "config/limits.h"
#include "settings/process_references.h"
#include "tests/support/temporary_folder.h"

namespace layotto::settings {
namespace {

using tests::TemporaryFolder;

TEST(FileReader, ReadsAWholeFile) {
  const TemporaryFolder folder;
  const std::string content = std::string(1, '\0') + "b\n" + std::string(200'000, 'x');
  const Result<std::string> read = read_regular_file(folder.write("f", content), 1 << 20);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, content);
  const Result<std::string> empty = read_regular_file(folder.write("e", ""), 0);
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(*empty, "");
}

TEST(FileReader, SaysWhyItCannotRead) {
  const TemporaryFolder folder;
  const auto why = [](const std::string& path, size_t bytes_max = 100) {
    const Result<std::string> read = read_regular_file(path, bytes_max);
    return read.ok() ? std::string("read") : read.error().to_string();
  };
  EXPECT_EQ(why(folder / "none"), "NOT_FOUND: there is no such file");
  EXPECT_EQ(why(folder.path()), "INVALID_ARGUMENT: it is a directory");
  EXPECT_EQ(why(""), "INVALID_ARGUMENT: its path is empty");
  EXPECT_EQ(why(std::string(3, '\0')), "INVALID_ARGUMENT: its path has a NUL character in it");
  EXPECT_EQ(why("/dev/null"), "INVALID_ARGUMENT: it is no regular file");
  const std::string file = folder.write("f", "12345");
  EXPECT_EQ(why(file, 5), "read");
  EXPECT_EQ(why(file, 4), "RESOURCE_EXHAUSTED: it has more than 4 bytes");
  EXPECT_EQ(why(file + "/x"), "NOT_FOUND: there is no such file: a part of the path is no folder");
}

TEST(FileReader, DoesNotWaitForTheWriterOfAFifo) {
  const TemporaryFolder folder;
  const std::string fifo = folder / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const Result<std::string> read = read_regular_file(fifo, 100);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().message(), "it is no regular file");
}

TEST(FileReader, AFileThatMayNotBeReadSaysSo) {
  const TemporaryFolder folder;
  const std::string file = folder.write("f", "x");
  ASSERT_EQ(chmod(file.c_str(), 0), 0);
  const bool root = geteuid() == 0;  // who may read everything
  if (root) ASSERT_EQ(seteuid(65534), 0);
  const Result<std::string> read = read_regular_file(file, 100);
  if (root) ASSERT_EQ(seteuid(0), 0);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code(), Code::kPermissionDenied);
  EXPECT_EQ(read.error().message(), "it may not be read (Permission denied)");
}

TEST(ConfigFile, NamesThePathInItsErrors) {
  const TemporaryFolder folder;
  const Result<std::string> read = read_config_file(folder / "none.yaml");
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code(), Code::kNotFound);
  EXPECT_EQ(read.error().message(), "cannot read the configuration file \"" + folder.path() +
                                        "/none.yaml\": there is no such file");
  const Result<std::string> large =
      read_config_file(folder.write("l", std::string(config::kDocumentBytesMax + 1, ' ')));
  ASSERT_FALSE(large.ok());
  EXPECT_TRUE(large.error().message().ends_with(": it has more than 8388608 bytes"))
      << large.error().message();
}

TEST(ConfigFile, MayComeThroughAPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string text(300'000, 'y');
  std::thread writer([&] {
    size_t done = 0;
    while (done < text.size()) {
      const ssize_t count = write(ends[1], text.data() + done, text.size() - done);
      if (count <= 0) break;
      done += static_cast<size_t>(count);
    }
    close(ends[1]);
  });
  const Result<std::string> read = read_config_file(fmt::format("/dev/fd/{}", ends[0]));
  close(ends[0]);
  writer.join();
  ASSERT_TRUE(read.ok()) << read.error().to_string();
  EXPECT_EQ(*read, text);
}

TEST(ProcessReferences, LookIntoTheEnvironmentTheyAreGiven) {
  ProcessReferences references([](const char* name) -> const char* {
    if (std::strcmp(name, "A") == 0) return "1";
    if (std::strcmp(name, "EMPTY") == 0) return "";
    return nullptr;
  });
  EXPECT_EQ(*references.env("A"), "1");
  EXPECT_EQ(*references.env("EMPTY"), "");
  EXPECT_EQ(*references.env("B"), std::nullopt);
}

TEST(ProcessReferences, KnowTheEnvironmentOfTheProcess) {
  ASSERT_EQ(setenv("LAYOTTO_TEST_VARIABLE", "here", 1), 0);
  EXPECT_EQ(*ProcessReferences().env("LAYOTTO_TEST_VARIABLE"), "here");
  unsetenv("LAYOTTO_TEST_VARIABLE");
  EXPECT_EQ(*ProcessReferences().env("LAYOTTO_TEST_VARIABLE"), std::nullopt);
}

TEST(ProcessReferences, FilesAreRegularHaveAnAbsolutePathAndAreBounded) {
  const TemporaryFolder folder;
  ProcessReferences references;
  const std::string file = folder.write("secret", "s3cret\n");
  EXPECT_EQ(*references.file(file), "s3cret\n");
  const std::string link = folder / "link";
  ASSERT_EQ(symlink(file.c_str(), link.c_str()), 0);
  EXPECT_EQ(*references.file(link), "s3cret\n") << "as Kubernetes mounts secrets";
  EXPECT_EQ(references.file("secret").error().message(), "its path is not absolute");
  EXPECT_EQ(references.file(folder.path()).error().message(), "it is a directory");
  const std::string large = folder.write("l", std::string(config::kReferenceBytesMax + 1, 'x'));
  EXPECT_EQ(references.file(large).error().message(), "it has more than 1048576 bytes");
}

}  // namespace
}  // namespace layotto::settings
