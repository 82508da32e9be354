#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "apps/cli/commands.h"

namespace ekya::cli {
namespace {

struct LiveCommand {
  const char* name;
  const char* summary;
};

/// What `ekya-live` knows.
constexpr LiveCommand kLiveCommands[] = {
    {"run", "serve a site's cameras and retrain their models"},
    {"demo", "drawn cameras whose world changes: accuracy dips and recovers"},
    {"profile", "record a trace: every retraining configuration trained on labelled streams"},
};

}  // namespace

int BecomeLive(const std::vector<std::string>& words) {
  std::error_code code;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) {
    return Fail({ErrorCode::kFailed, "cannot read /proc/self/exe: " + code.message()});
  }
  const std::string program = (self.parent_path() / "ekya-live").string();
  // A second OpenMP thread in a share of one core spins away more than it computes: processes scale
  // by their number. OpenMP reads these before main.
  setenv("OMP_NUM_THREADS", "1", 1);
  setenv("OMP_WAIT_POLICY", "passive", 1);
  std::vector<std::string> line = {"ekya"};
  line.insert(line.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : line) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  if (errno == ENOENT) {
    return Fail({ErrorCode::kNotFound,
                 "`ekya " + words.front() + "` needs the full build, and there is no " + program +
                     " beside this program. Build it: cmake --preset release && cmake --build "
                     "build/release"});
  }
  return Fail({ErrorCode::kFailed, program + ": cannot start: " + std::strerror(errno)});
}

void AddLiveCommands(CLI::App& app, Request* request) {
  for (const LiveCommand& live : kLiveCommands) {
    CLI::App* const command = app.add_subcommand(live.name, live.summary);
    // Every argument is the other program's, --help included.
    command->prefix_command();
    command->set_help_flag();
    command->callback([command, request] {
      *request = [command] {
        std::vector<std::string> words = {command->get_name()};
        for (const std::string& argument : command->remaining()) words.push_back(argument);
        return BecomeLive(words);
      };
    });
  }
}

}  // namespace ekya::cli
