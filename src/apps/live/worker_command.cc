#include "apps/live/worker_command.h"

#include <cstdio>

#include "base/file.h"
#include "core/site.h"

namespace ekya::live {

int Work(const WorkerCommand& command) {
  const auto run = [&]() -> Status {
    EKYA_ASSIGN(const std::string text, ReadFile(command.site_file));
    EKYA_ASSIGN(const Site site, ReadSite(text, command.site_name));
    processes::WorkerRequest request = command.request;
    request.learning = command.kind == "learning";
    return RunWorker(site, request);
  };
  const Status ran = run();
  if (ran.ok()) return 0;
  std::fprintf(stderr, "ekya worker %s: %s\n", command.request.name.c_str(),
               ran.error().message.c_str());
  return 1;
}

}  // namespace ekya::live
