#pragma once

#include "base/result.h"
#include "core/site.h"
#include "run/workers/stream_set.h"
#include "run/workers/workers.h"

namespace ekya::workers {

/// Opens a stream of each of the site's cameras into `streams`, all side by side: a camera that
/// does not answer holds up nobody but itself. `resume`: streams of live cameras serve the newest
/// model that was kept; where the run before was `killed`, those of replays do too, whose models
/// have not seen what is still to come. kUnavailable: none of the cameras could be opened.
Status OpenStreams(bool resume, bool killed, const StreamEnvironment& environment, Workers& workers,
                   const WorkerHooks& hooks, StreamSet* streams);

/// Trains the streams' first models on bootstrap windows, `at_once` side by side: nothing serves
/// yet, so the whole machine may work on it.
Status TrainFirstModels(const StreamSet& streams, Workers& workers, const WorkerHooks& hooks,
                        int at_once);

}  // namespace ekya::workers
