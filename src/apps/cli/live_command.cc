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
};

/// Replaces this process by `ekya-live` with the same arguments; returns only on failure.
int Become(const std::string& command, const std::vector<std::string>& arguments) {
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
  std::string name = "ekya";
  std::string verb = command;
  std::vector<std::string> rest = arguments;
  std::vector<char*> argv = {name.data(), verb.data()};
  for (std::string& argument : rest) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  if (errno == ENOENT) {
    return Fail({ErrorCode::kNotFound,
                 "`ekya " + command + "` needs the full build, and there is no " + program +
                     " beside this program. Build it: cmake --preset release && cmake --build "
                     "build/release"});
  }
  return Fail({ErrorCode::kFailed, program + ": cannot start: " + std::strerror(errno)});
}

}  // namespace

void AddLiveCommands(CLI::App& app, Request* request) {
  for (const LiveCommand& live : kLiveCommands) {
    CLI::App* const command = app.add_subcommand(live.name, live.summary);
    // Every argument is the other program's, --help included.
    command->prefix_command();
    command->set_help_flag();
    command->callback([command, request] {
      *request = [command] { return Become(command->get_name(), command->remaining()); };
    });
  }
}

}  // namespace ekya::cli
