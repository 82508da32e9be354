#include "apps/learning/experiments.h"

#include "apps/learning/continual.h"
#include "apps/learning/detection.h"
#include "apps/learning/estimates.h"
#include "apps/learning/live_vs_simulated.h"
#include "apps/learning/shares.h"
#include "apps/learning/soak.h"
#include "apps/learning/supervision.h"
#include "apps/learning/swaps.h"
#include "apps/learning/throughput.h"

namespace ekya::learning {

const std::vector<Experiment>& Experiments() {
  static const std::vector<Experiment> experiments = {
      {"continual", "classes come one by one while the light fails: what is learned and forgotten",
       RunContinual},
      {"detection",
       "a small detector retrained on its own camera, on real clips and a drawn crossing",
       RunDetection},
      {"throughput", "training and serving against Python with PyTorch, in turns on one core",
       RunThroughput},
      {"estimates", "micro-profiling's estimates against exhaustive training, and what they cost",
       RunEstimates},
      {"live-vs-simulated",
       "ten windows live, and simulated in the trace that was recorded of them",
       RunLiveVsSimulated},
      {"shares", "what a training job gets of a core, how soon a change is felt, who starves",
       RunShares},
      {"swaps", "a thousand swaps on a loaded stream: frames dropped, latency with and without",
       RunSwaps},
      {"soak", "ten thousand swaps, a thousand streams added and removed: what grows", RunSoak},
      {"supervision", "what it costs to look after the worker processes of twenty streams",
       RunSupervision},
  };
  return experiments;
}

}  // namespace ekya::learning
