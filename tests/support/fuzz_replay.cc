// main() of a fuzz target where no fuzzer is linked in: runs it once over every file of the
// directories given as arguments, deeper ones included. Fails when a directory is missing or has no
// file, so that a corpus cannot get lost unseen. A finding ends the program by its sanitizer.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

// Sorted, so that runs are the same everywhere.
std::vector<fs::path> files_below(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator at(directory, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (at->is_regular_file(error)) files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool replay(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  if (stream.bad() || !stream.is_open()) {
    std::fprintf(stderr, "cannot read %s\n", file.c_str());
    return false;
  }
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS_DIRECTORY...\n", argv[0]);
    return 2;
  }
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    const std::vector<fs::path> files = files_below(argv[i]);
    if (files.empty()) {
      std::fprintf(stderr, "%s is missing or has no files\n", argv[i]);
      return 1;
    }
    for (const fs::path& file : files) {
      // Named before it runs: what is printed last is what failed.
      std::printf("%s\n", file.c_str());
      std::fflush(stdout);
      if (!replay(file)) return 1;
      ++count;
    }
  }
  std::printf("%zu files replayed\n", count);
  return 0;
}
