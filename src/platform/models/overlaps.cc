#include "platform/models/overlaps.h"

#include <algorithm>

namespace ekya::models {

std::vector<Detection> SuppressOverlaps(std::vector<Detection> candidates, double limit) {
  constexpr std::size_t kMostCandidates = 1000;
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Detection& a, const Detection& b) { return a.score > b.score; });
  if (candidates.size() > kMostCandidates) candidates.resize(kMostCandidates);
  std::vector<Detection> kept;
  for (const Detection& candidate : candidates) {
    const bool covered = std::any_of(kept.begin(), kept.end(), [&](const Detection& better) {
      return better.class_index == candidate.class_index &&
             IntersectionOverUnion(better.box, candidate.box) > limit;
    });
    if (!covered) kept.push_back(candidate);
  }
  return kept;
}

}  // namespace ekya::models
