#include "net/listening.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/temporary_folder.h"

namespace layotto::net {
namespace {

using tests::TemporaryFolder;

std::string why(const Result<ListeningSocket>& opened) {
  return opened.ok() ? "fine" : opened.error().to_string();
}

Address unix_at(const std::string& path) { return *Address::unix_path(path); }

bool connects(const Address& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = connect(fd, address.data(), address.length()) == 0;
  close(fd);
  return connected;
}

mode_t mode_of(const std::string& path) {
  struct stat file{};
  EXPECT_EQ(stat(path.c_str(), &file), 0);
  return file.st_mode & 07777;
}

// A listening socket of some program that knows nothing of our lock file.
int foreign_listener(const Address& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(bind(fd, address.data(), address.length()), 0);
  EXPECT_EQ(listen(fd, 1), 0);
  return fd;
}

TEST(ListeningSocket, TellsThePortTheKernelChose) {
  const auto listening = ListeningSocket::open(*Address::parse("127.0.0.1:0"), {});
  ASSERT_TRUE(listening.ok()) << why(listening);
  EXPECT_NE(listening->address().port(), 0);
  EXPECT_EQ(listening->address().host(), "127.0.0.1");
  EXPECT_TRUE(connects(listening->address()));
}

TEST(ListeningSocket, SaysThatAPortIsInUse) {
  const auto first = ListeningSocket::open(*Address::parse("127.0.0.1:0"), {});
  const auto second = ListeningSocket::open(first->address(), {});
  EXPECT_EQ(why(second),
            fmt::format("ALREADY_EXISTS: {} is already in use: another instance is running there; "
                        "stop it (layotto stop) or configure another address",
                        first->address().to_string()));
}

TEST(ListeningSocket, FreesThePortWhenClosed) {
  Address address;
  {
    const auto listening = ListeningSocket::open(*Address::parse("127.0.0.1:0"), {});
    address = listening->address();
  }
  EXPECT_TRUE(ListeningSocket::open(address, {}).ok());
}

TEST(ListeningSocket, ListensOnIpv6AndTakesIpv4ThereOnlyWhenWanted) {
  const auto both = ListeningSocket::open(*Address::parse("[::]:0"), {});
  ASSERT_TRUE(both.ok()) << why(both);
  EXPECT_TRUE(connects(*Address::ip("::1", both->address().port())));
  EXPECT_TRUE(connects(*Address::ip("127.0.0.1", both->address().port())));
  const auto only = ListeningSocket::open(*Address::parse("[::]:0"), {.ipv6_only = true});
  ASSERT_TRUE(only.ok()) << why(only);
  EXPECT_TRUE(connects(*Address::ip("::1", only->address().port())));
  EXPECT_FALSE(connects(*Address::ip("127.0.0.1", only->address().port())));
}

TEST(ListeningSocket, SaysWhyAnAddressCannotBeBound) {
  EXPECT_EQ(why(ListeningSocket::open(*Address::parse("192.0.2.1:0"), {})),
            "UNAVAILABLE: cannot listen on 192.0.2.1:0: Cannot assign requested address");
  EXPECT_FALSE(ListeningSocket::open(Address(), {}).ok());
}

TEST(ListeningSocket, MakesAUnixSocketOnlyItsOwnerMayUse) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.sock";
  const mode_t mask = umask(0);
  const auto listening = ListeningSocket::open(unix_at(path), {});
  EXPECT_EQ(umask(mask), 0U) << "the mask of the process was not put back";
  ASSERT_TRUE(listening.ok()) << why(listening);
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_TRUE(connects(unix_at(path)));
}

TEST(ListeningSocket, GivesAUnixSocketToAGroup) {
  const TemporaryFolder folder;
  const std::string by_number = folder / "number.sock";
  const auto listening =
      ListeningSocket::open(unix_at(by_number), {.mode = 0660, .group = std::to_string(getgid())});
  ASSERT_TRUE(listening.ok()) << why(listening);
  EXPECT_EQ(mode_of(by_number), 0660U);
  const std::string nobody = folder / "nobody.sock";
  EXPECT_EQ(why(ListeningSocket::open(unix_at(nobody), {.group = "no-such-group-here"})),
            fmt::format("UNAVAILABLE: cannot listen on unix:{}: there is no group "
                        "'no-such-group-here'",
                        nobody));
  EXPECT_FALSE(std::filesystem::exists(nobody)) << "what failed leaves no socket behind";
  if (geteuid() == 0) {
    const std::string by_name = folder / "name.sock";
    ASSERT_TRUE(ListeningSocket::open(unix_at(by_name), {.group = "root"}).ok());
  }
}

TEST(ListeningSocket, MakesMissingParentFolders) {
  const TemporaryFolder folder;
  const std::string path = folder / "one/two/a.sock";
  const auto listening = ListeningSocket::open(unix_at(path), {});
  ASSERT_TRUE(listening.ok()) << why(listening);
  EXPECT_EQ(mode_of(folder / "one"), 0700U);
  EXPECT_EQ(mode_of(folder / "one/two"), 0700U);
}

TEST(ListeningSocket, SaysWhenAParentIsNoFolder) {
  const TemporaryFolder folder;
  folder.write("file", "x");
  EXPECT_EQ(why(ListeningSocket::open(unix_at(folder / "file/a.sock"), {})),
            fmt::format("UNAVAILABLE: cannot listen on unix:{0}: cannot open {0}.lock: "
                        "Not a directory",
                        folder / "file/a.sock"));
}

TEST(ListeningSocket, ReplacesTheSocketOfAProcessThatIsGone) {
  const TemporaryFolder folder;
  const Address address = unix_at(folder / "a.sock");
  close(foreign_listener(address));
  EXPECT_FALSE(connects(address));
  const auto listening = ListeningSocket::open(address, {});
  ASSERT_TRUE(listening.ok()) << why(listening);
  EXPECT_TRUE(connects(address));
}

TEST(ListeningSocket, LeavesALiveSocketAlone) {
  const TemporaryFolder folder;
  const Address theirs = unix_at(folder / "theirs.sock");
  const int fd = foreign_listener(theirs);
  EXPECT_EQ(ListeningSocket::open(theirs, {}).error().code(), Code::kAlreadyExists);
  EXPECT_TRUE(connects(theirs));
  close(fd);
  const Address ours = unix_at(folder / "ours.sock");
  const auto first = ListeningSocket::open(ours, {});
  EXPECT_EQ(ListeningSocket::open(ours, {}).error().code(), Code::kAlreadyExists);
  EXPECT_TRUE(connects(ours));
}

TEST(ListeningSocket, LeavesALiveSocketWithAFullBacklogAlone) {
  const TemporaryFolder folder;
  const Address address = unix_at(folder / "a.sock");
  const int listening = foreign_listener(address);
  std::vector<int> waiting;
  while (true) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    waiting.push_back(fd);
    if (connect(fd, address.data(), address.length()) != 0) break;
  }
  EXPECT_EQ(ListeningSocket::open(address, {}).error().code(), Code::kAlreadyExists);
  for (const int fd : waiting) close(fd);
  close(listening);
}

TEST(ListeningSocket, NeverTouchesARegularFile) {
  const TemporaryFolder folder;
  const std::string path = folder.write("notes.txt", "precious");
  EXPECT_EQ(
      why(ListeningSocket::open(unix_at(path), {})),
      fmt::format("UNAVAILABLE: cannot listen on unix:{}: the path exists and is not a socket; "
                  "remove it or configure another path",
                  path));
  EXPECT_EQ(std::filesystem::file_size(path), 8U);
}

TEST(ListeningSocket, RemovesItsOwnFileAndNoOther) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.sock";
  {
    const auto listening = ListeningSocket::open(unix_at(path), {});
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  int other = -1;
  {
    const auto listening = ListeningSocket::open(unix_at(path), {});
    std::filesystem::remove(path);
    other = foreign_listener(unix_at(path));
  }
  EXPECT_TRUE(connects(unix_at(path))) << "another one's socket was removed";
  close(other);
}

TEST(ListeningSocket, CanBeMovedWithoutLosingItsFile) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.sock";
  auto opened = ListeningSocket::open(unix_at(path), {});
  {
    const ListeningSocket moved(std::move(*opened));
    EXPECT_TRUE(connects(moved.address()));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ListeningSocket, AbstractNamesHaveNoFile) {
  const Address address = *Address::parse(fmt::format("unix-abstract:layotto-test-{}", getpid()));
  const auto first = ListeningSocket::open(address, {});
  ASSERT_TRUE(first.ok()) << why(first);
  EXPECT_TRUE(connects(address));
  EXPECT_EQ(ListeningSocket::open(address, {}).error().code(), Code::kAlreadyExists);
}

}  // namespace
}  // namespace layotto::net
