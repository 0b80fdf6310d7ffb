#include "clients/lmdb/data_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace layotto::clients::lmdb {
namespace {

// The layout of LMDB 0.9 on a 64-bit machine of little endian.
constexpr uint32_t kMagic = 0xBEEFC0DE;
constexpr uint32_t kVersion = 1;
constexpr uint64_t kNoPage = ~uint64_t{0};
constexpr size_t kHeaderBytes = 16;  // number (8), pad (2), flags (2), lower (2), upper (2)
constexpr size_t kNodeBytes = 8;     // lo (2), hi (2), flags (2), key size (2)
constexpr size_t kTreeBytes = 48;    // pad (4), flags (2), depth (2), counts (4 x 8), root (8)
constexpr size_t kMetaAt = kHeaderBytes;
constexpr size_t kFreeTreeAt = kMetaAt + 24;  // behind magic, version, address, map size
constexpr size_t kMetaBytes = kFreeTreeAt + 2 * kTreeBytes + 16;
constexpr uint16_t kBranch = 0x01;
constexpr uint16_t kLeaf = 0x02;
constexpr uint16_t kOverflow = 0x04;
constexpr uint16_t kMeta = 0x08;
constexpr uint16_t kLeafOfFixed = 0x20;
constexpr uint16_t kKinds = 0x6f;
constexpr uint16_t kBigValue = 0x01;
constexpr uint16_t kSubTree = 0x02;
constexpr uint16_t kManyValues = 0x04;
constexpr uint16_t kDepthMax = 32;
constexpr size_t kPageBytesMin = 256;
constexpr size_t kPageBytesMax = 65536;

template <class T>
T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

// The head of a tree of pages.
struct Tree {
  uint64_t root = kNoPage;
  uint16_t depth = 0;
  bool many_values = false;  // of a key
  bool free_list = false;

  static Tree load_from(const char* at) {
    return {.root = load<uint64_t>(at + kTreeBytes - 8),
            .depth = load<uint16_t>(at + 6),
            .many_values = (load<uint16_t>(at + 4) & kManyValues) != 0};
  }
};

struct Meta {
  uint64_t page_bytes = 0;
  Tree free_list;
  Tree main;
  uint64_t last_page = 0;
  uint64_t transaction = 0;
};

// A page that is to be looked at; a leaf has depth 1.
struct Page {
  uint64_t number;
  uint16_t depth;
  Tree tree;
};

class DataFile {
 public:
  DataFile(int fd, uint64_t bytes, std::string path)
      : fd_(fd), bytes_(bytes), path_(std::move(path)) {}
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;
  ~DataFile() { close(fd_); }

  Status check() {
    TRY(const Meta meta, newest_meta());
    page_.resize(meta.page_bytes);
    used_.resize(bytes_ / meta.page_bytes + 1);
    for (const Tree& tree : {meta.main, meta.free_list}) TRY(add(tree));
    while (!todo_.empty()) {
      const Page page = todo_.back();
      todo_.pop_back();
      TRY(check_page(meta, page));
    }
    for (const uint64_t number : free_) {
      if (number < used_.size() && used_[number]) {
        return damaged(number * meta.page_bytes, "a page is in use and free");
      }
    }
    return {};
  }

 private:
  [[nodiscard]] Error damaged(uint64_t at, std::string_view what) const {
    return base::data_loss(
        "{} is damaged: {} (byte {}); nothing was changed: keep a copy of the folder, then put a "
        "backup in its place",
        path_, what, at);
  }
  Status add(const Tree& tree) {
    if (tree.root == kNoPage) return {};
    if (tree.depth == 0 || tree.depth > kDepthMax) return damaged(0, "a table is too deep");
    todo_.push_back({.number = tree.root, .depth = tree.depth, .tree = tree});
    return {};
  }
  // False when it is in use already.
  bool use(uint64_t number) {
    if (number >= used_.size()) return true;  // reading it will fail
    const bool free = !used_[number];
    used_[number] = true;
    return free;
  }
  Status read(uint64_t at, char* into, size_t count) const {
    if (at > bytes_ || count > bytes_ - at) return damaged(at, "the file ends too early");
    while (count > 0) {
      const ssize_t n = pread(fd_, into, count, static_cast<off_t>(at));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        return base::unavailable("{}: cannot be read: {}; look at the disk and the kernel's log",
                                 path_, base::errno_text(errno));
      }
      if (n == 0) return damaged(at, "the file ends too early");
      into += n;
      at += static_cast<uint64_t>(n);
      count -= static_cast<size_t>(n);
    }
    return {};
  }

  Result<Meta> read_meta(uint64_t at) const {
    std::array<char, kMetaBytes> bytes{};
    TRY(read(at, bytes.data(), bytes.size()));
    const char* head = bytes.data();
    if (load<uint32_t>(head + kMetaAt) != kMagic || (load<uint16_t>(head + 10) & kMeta) == 0) {
      return base::data_loss("{} is no file of LMDB; move it away or configure another folder",
                             path_);
    }
    if (load<uint32_t>(head + kMetaAt + 4) != kVersion) {
      return base::failed_precondition("{} was written by another version of LMDB ({})", path_,
                                       load<uint32_t>(head + kMetaAt + 4));
    }
    const char* trees = head + kFreeTreeAt;
    Meta meta{.page_bytes = load<uint32_t>(trees),
              .free_list = Tree::load_from(trees),
              .main = Tree::load_from(trees + kTreeBytes),
              .last_page = load<uint64_t>(trees + 2 * kTreeBytes),
              .transaction = load<uint64_t>(trees + 2 * kTreeBytes + 8)};
    if (meta.page_bytes < kPageBytesMin || meta.page_bytes > kPageBytesMax ||
        (meta.page_bytes & (meta.page_bytes - 1)) != 0) {
      return damaged(at, "its page size is impossible");
    }
    meta.free_list.free_list = true;
    return meta;
  }

  // There are two, written in turn.
  Result<Meta> newest_meta() const {
    TRY(const Meta first, read_meta(0));
    TRY(const Meta second, read_meta(first.page_bytes));
    if (second.page_bytes != first.page_bytes) return damaged(0, "its heads contradict each other");
    return first.transaction < second.transaction ? second : first;
  }

  Status check_page(const Meta& meta, const Page& wanted) {
    const uint64_t number = wanted.number;
    const uint64_t at = number * meta.page_bytes;
    if (number < 2 || number > meta.last_page) return damaged(at, "a page is out of bounds");
    if (!use(number)) return damaged(at, "a page is in use twice");
    TRY(read(at, page_.data(), page_.size()));
    const char* page = page_.data();
    const uint16_t kind = load<uint16_t>(page + 10) & kKinds;
    if (load<uint64_t>(page) != number) return damaged(at, "a page is not where it belongs");
    const bool is_leaf = wanted.depth == 1;
    if (is_leaf && wanted.tree.many_values && kind == (kLeaf | kLeafOfFixed)) return {};
    if (kind != (is_leaf ? kLeaf : kBranch)) return damaged(at, "a page is of the wrong kind");
    const size_t lower = load<uint16_t>(page + 12);
    const size_t upper = load<uint16_t>(page + 14);
    if (lower < kHeaderBytes || lower > upper || upper > page_.size() || lower % 2 != 0) {
      return damaged(at, "the head of a page is impossible");
    }
    const size_t nodes = (lower - kHeaderBytes) / 2;
    if (nodes < (is_leaf || wanted.tree.free_list ? 1 : 2)) return damaged(at, "a page is empty");
    for (size_t i = 0; i < nodes; ++i) {
      const size_t node = load<uint16_t>(page + kHeaderBytes + 2 * i);
      if (node < upper || node % 2 != 0 || node + kNodeBytes > page_.size() ||
          node + kNodeBytes + load<uint16_t>(page + node + 6) > page_.size()) {
        return damaged(at, "an entry is out of its page");
      }
      if (is_leaf) {
        TRY(check_entry(meta, wanted.tree, at, node));
      } else {
        todo_.push_back({.number = load<uint32_t>(page + node) |
                                   (uint64_t{load<uint16_t>(page + node + 4)} << 32),
                         .depth = static_cast<uint16_t>(wanted.depth - 1),
                         .tree = wanted.tree});
      }
    }
    return {};
  }

  Status check_entry(const Meta& meta, const Tree& tree, uint64_t at, size_t node) {
    const char* entry = page_.data() + node;
    const size_t value_bytes = load<uint32_t>(entry);
    const uint16_t flags = load<uint16_t>(entry + 4);
    const size_t value = node + kNodeBytes + load<uint16_t>(entry + 6);
    const size_t here = (flags & kBigValue) != 0 ? sizeof(uint64_t) : value_bytes;
    if (here > page_.size() - value) return damaged(at, "an entry is out of its page");
    if ((flags & ~(kBigValue | kSubTree | kManyValues)) != 0 ||
        ((flags & kManyValues) != 0 && !tree.many_values)) {
      return damaged(at, "an entry is of no known kind");
    }
    if ((flags & kBigValue) != 0) {
      return check_big_value(meta, tree, load<uint64_t>(page_.data() + value), value_bytes);
    }
    if (tree.free_list) return check_free(at, {page_.data() + value, value_bytes});
    if ((flags & kSubTree) != 0) {
      if (value_bytes != kTreeBytes) return damaged(at, "the head of a table is impossible");
      return add(Tree::load_from(page_.data() + value));
    }
    if ((flags & kManyValues) != 0 && value_bytes < kHeaderBytes) {
      return damaged(at, "the values of a key are impossible");
    }
    return {};
  }

  Status check_big_value(const Meta& meta, const Tree& tree, uint64_t number, size_t value_bytes) {
    const uint64_t at = number * meta.page_bytes;
    const uint64_t needed = (kHeaderBytes + value_bytes + meta.page_bytes - 1) / meta.page_bytes;
    if (number < 2 || number > meta.last_page) return damaged(at, "a page is out of bounds");
    std::array<char, kHeaderBytes> head{};
    TRY(read(at, head.data(), head.size()));
    // More than are needed when a smaller value took the place of a larger one.
    const uint64_t pages = load<uint32_t>(head.data() + 12);
    if (load<uint64_t>(head.data()) != number ||
        (load<uint16_t>(head.data() + 10) & kKinds) != kOverflow || pages < needed ||
        pages > meta.last_page + 1 - number) {
      return damaged(at, "a large value is not where it belongs");
    }
    for (uint64_t i = 0; i < pages; ++i) {
      if (!use(number + i)) return damaged(at, "a page is in use twice");
    }
    if (tree.free_list) {
      std::vector<char> value(std::min<uint64_t>(value_bytes, bytes_));
      TRY(read(at + kHeaderBytes, value.data(), value.size()));
      return check_free(at, {value.data(), value.size()});
    }
    // Its end is there: the file was not cut short.
    char last = 0;
    return read(at + kHeaderBytes + value_bytes - 1, &last, 1);
  }

  // How many, and which.
  Status check_free(uint64_t at, std::string_view list) {
    if (list.size() < sizeof(uint64_t)) return damaged(at, "the list of free pages is impossible");
    const auto count = load<uint64_t>(list.data());
    if (count > list.size() / sizeof(uint64_t) - 1) {
      return damaged(at, "the list of free pages is impossible");
    }
    for (uint64_t i = 1; i <= count; ++i) {
      const auto number = load<uint64_t>(list.data() + i * sizeof(uint64_t));
      if (number < 2) return damaged(at, "the list of free pages is impossible");
      free_.push_back(number);
    }
    return {};
  }

  const int fd_;
  const uint64_t bytes_;
  const std::string path_;
  std::vector<char> page_;
  std::vector<Page> todo_;
  std::vector<bool> used_;
  std::vector<uint64_t> free_;
};

}  // namespace

Status check_data_file(const std::string& folder) {
  std::string path = fmt::format("{}/{}", folder, kDataFile);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return {};
    return base::permission_denied("{} cannot be opened: {}; let this user read and write it", path,
                                   base::errno_text(errno));
  }
  struct stat found{};
  if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) {
    close(fd);
    return base::failed_precondition("{} is not a file; configure another folder", path);
  }
  if (found.st_size == 0) {
    close(fd);
    return {};
  }
  DataFile file(fd, static_cast<uint64_t>(found.st_size), std::move(path));
  return file.check();
}

}  // namespace layotto::clients::lmdb
