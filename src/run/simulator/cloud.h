#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "core/trace.h"
#include "run/simulator/simulation.h"

namespace ekya::simulator {

/// A link to a data centre that retrains for the box (paper, section 6.5). Megabits and seconds.
struct CloudOptions {
  double up = 5.1;          ///< Megabits per second to the cloud; the default is 4G.
  double down = 17.5;       ///< Megabits per second from it.
  double video = 4;         ///< Megabits per second of one stream's video...
  double sampled = 0.1;     ///< ...of which this part is sent.
  double model = 398;       ///< Megabits of a retrained model.
  double outage_every = 0;  ///< Seconds from the start of one outage to the next; 0: none.
  double outage_for = 0;    ///< Seconds that an outage lasts, nothing is sent meanwhile.
};

/// Whether `scheduler` is "cloud" with or without options.
bool IsCloud(const std::string& scheduler);

/// Reads "cloud:up=8.5,down=15". kInvalid names the option.
Result<CloudOptions> ReadCloudOptions(const std::string& scheduler);

/// When each of `streams` models is on the box, in seconds since the window's start: the streams'
/// samples go up one after another, each model comes down when it is trained, which takes no time,
/// and the one before it is here. `start_seconds` is the window's start on the outages' clock. What
/// would arrive after `window_seconds` is left out: it is the next window's turn.
std::vector<double> CloudArrivals(const CloudOptions& options, int streams, double start_seconds,
                                  double window_seconds);

/// A run in which the cloud retrains, always with the configuration that turns out best, and the
/// box only serves, with everything it has. `selected` and `settings` as Simulate has completed
/// them.
Result<SimulationResult> SimulateCloud(const Trace& selected, const SimulationSettings& settings);

}  // namespace ekya::simulator
