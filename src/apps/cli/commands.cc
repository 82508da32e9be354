#include "apps/cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/file.h"
#include "core/document.h"
#include "core/map_reader.h"

namespace ekya::cli {
namespace {

/// Every command, in the order of the help.
constexpr void (*kCommands[])(CLI::App&, Request*) = {
    AddLiveCommands,  AddBoxCommands,     AddLabelsCommand,   AddDoctorCommand,
    AddConfigCommand, AddScheduleCommand, AddSimulateCommand, AddExperimentCommand,
    AddTraceCommand,  AddReportCommand,
};

}  // namespace

int Main(int argc, char** argv, const std::string& version) {
  CLI::App app("Ekya: serves small models on camera streams and keeps them accurate", "ekya");
  app.require_subcommand(1);
  app.set_version_flag("--version", "ekya " + version);
  Request request;
  for (const auto& add : kCommands) add(app, &request);
  app.add_subcommand("version", "print the version")->callback([&] {
    request = [version] {
      Print("ekya " + version + "\n");
      return kDone;
    };
  });
  // CLI11 would say that a subcommand is missing.
  if (argc > 1 && argv[1][0] != '-') {
    std::vector<std::string> names;
    for (const CLI::App* const command : app.get_subcommands({})) {
      names.push_back(command->get_name());
    }
    if (std::ranges::find(names, argv[1]) == names.end()) {
      const std::string message =
          fmt::format("unknown command {}, the nearest is {}; ekya --help lists all", argv[1],
                      Nearest(argv[1], names));
      return Fail({ErrorCode::kInvalid, message}, kWrongUsage);
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kWrongUsage;
  }
  const int status = request();
  // A full disk or a closed pipe must not pass for success.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return Fail({ErrorCode::kFailed, std::string("cannot write the output: ") + strerror(errno)});
  }
  return status;
}

// Not fmt::print, which throws where the disk is full.
void Print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void Warn(const std::string& message) {
  std::fflush(stdout);
  std::fputs(("ekya: " + message + "\n").c_str(), stderr);
}

int Fail(const Error& error, int status) {
  Warn(error.message);
  return status;
}

Result<std::string> ReadInput(const std::string& path) {
  if (path != "-") return ReadFile(path, kMaxJsonBytes);
  std::string content;
  char block[1 << 16];
  while (const std::size_t got = std::fread(block, 1, sizeof block, stdin)) {
    content.append(block, got);
    if (content.size() > kMaxJsonBytes) {
      return Error{ErrorCode::kInvalid, fmt::format("standard input: has more than the {} bytes "
                                                    "accepted",
                                                    kMaxJsonBytes)};
    }
  }
  if (std::ferror(stdin) != 0) {
    return Error{ErrorCode::kFailed,
                 std::string("standard input: cannot read: ") + strerror(errno)};
  }
  return content;
}

}  // namespace ekya::cli
