#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
}

namespace ekya::cli {

/// Exit statuses of every command.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;
inline constexpr int kBadConfiguration = 78;  ///< EX_CONFIG of sysexits.h.

/// What the command line asks for: set while it is parsed, called afterwards; returns the exit
/// status.
using Request = std::function<int()>;

// Each adds one command to `app`, and sets `request` when the command line names it. A new command
// is a file of its own, a line here and a line in the table of commands.cc.
void AddScheduleCommand(CLI::App& app, Request* request);
void AddReportCommand(CLI::App& app, Request* request);
void AddConfigCommand(CLI::App& app, Request* request);
void AddSimulateCommand(CLI::App& app, Request* request);
void AddExperimentCommand(CLI::App& app, Request* request);
void AddTraceCommand(CLI::App& app, Request* request);
void AddBoxCommands(CLI::App& app, Request* request);  ///< status, plan, model
void AddLabelsCommand(CLI::App& app, Request* request);
void AddDoctorCommand(CLI::App& app, Request* request);
/// The commands that need cameras and models: this process becomes `ekya-live`, which lies beside
/// it.
void AddLiveCommands(CLI::App& app, Request* request);

/// Becomes `ekya-live` with `words` as its command line: a command's names, then its arguments.
/// Returns only on failure, the exit status.
int BecomeLive(const std::vector<std::string>& words);

/// Parses the command line and runs the command. `argv` as main gets it.
int Main(int argc, char** argv, const std::string& version);

/// Writes `text` to standard output. Main checks at the end that all of it arrived.
void Print(const std::string& text);

/// Writes "ekya: " and `message` as a line on stderr.
void Warn(const std::string& message);

/// Prints "ekya: " and the error on stderr; returns `status`.
int Fail(const Error& error, int status = kFailed);

/// The content of `path`, or of standard input where it is "-".
Result<std::string> ReadInput(const std::string& path);

}  // namespace ekya::cli
