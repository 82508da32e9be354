#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "fuzz/fuzz.h"

/// Runs the fuzzer's function, which aborts where it finds a bug, on every file of the folder that
/// is named: what fuzzing has found, or begins with, is tested in every build.
int main(int argc, char** argv) {
  int files = 0;
  if (argc == 2) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
      const auto content = ekya::ReadFile(entry.path());
      EKYA_CHECK(content.ok(), entry.path().string());
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(content->data()),
                             content->size());
      ++files;
    }
  }
  std::printf("%d files replayed\n", files);
  return files > 0 ? 0 : 1;
}
