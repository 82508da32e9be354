#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "platform/registry/model_store.h"
#include "platform/registry/registry.h"

namespace ekya::cli {

/// What `ekya run` leaves in its data folder, for the commands that look at it: they work beside a
/// server that runs, and long after one.
struct Box {
  std::unique_ptr<registry::Registry> registry;
  std::optional<registry::ModelStore> models;  ///< Absent: no model was ever published.
};

/// Opens `<data_dir>/registry.db` and `<data_dir>/models`. To write, only to the registry, opens it
/// as the server does. kNotFound: nothing ran here.
Result<Box> OpenBox(const std::filesystem::path& data_dir, bool to_write);

/// The last events, of workers, cameras and models, that are shown where nobody says how many.
inline constexpr int kEventsShown = 8;

/// The run, the newest window, and per stream what is served and what it is worth, with its 95 %
/// interval; the last `events` events. `now`: epoch seconds.
Result<std::string> StatusText(Box& box, double now, int events = kEventsShown);
/// The same for programs: `ekya-status/1`.
Result<std::string> StatusJson(Box& box, int events = kEventsShown);

/// What a window (absent: the newest) was told (its profiles), every schedule, when it was made and
/// why each stream got what it got, which predictions were corrected, and what came of it.
/// kNotFound: no such window.
Result<std::string> PlanText(Box& box, std::optional<int> window);
Result<std::string> PlanJson(Box& box, std::optional<int> window);

/// The versions of a stream's model, the newest first, with what became of them.
Result<std::string> ModelsText(Box& box, const std::string& stream);
Result<std::string> ModelsJson(Box& box, const std::string& stream);

/// Keeps `stream` at `version` (absent: at the one that is served) until it is unpinned; a server
/// that runs obeys within a second. kNotFound: no such version; kInvalid: it is damaged. Returns
/// what was done, for people.
Result<std::string> PinModel(Box& box, const std::string& stream,
                             std::optional<std::int64_t> version, double now);
Result<std::string> UnpinModel(Box& box, const std::string& stream);
/// Serves the version before the served one again. kNotFound: there is none.
Result<std::string> RollBackModel(Box& box, const std::string& stream);

}  // namespace ekya::cli
