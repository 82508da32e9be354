#include "apps/learning/growth.h"

#include <cstddef>
#include <span>

#include "apps/learning/shares_measures.h"

namespace ekya::learning {
namespace {

struct Tenth {
  double rss_mib = 0;
  double descriptors = 0;
  double threads = 0;
  double latency_p99 = 0;
};

Tenth TenthOf(std::span<const SoakSample> samples) {
  Tenth tenth;
  std::vector<double> descriptors, threads, latencies;
  for (const SoakSample& sample : samples) {
    tenth.rss_mib += sample.rss_mib / static_cast<double>(samples.size());
    descriptors.push_back(sample.descriptors);
    threads.push_back(sample.threads);
    latencies.insert(latencies.end(), sample.latencies.begin(), sample.latencies.end());
  }
  tenth.descriptors = Quantile(descriptors, 0.5);
  tenth.threads = Quantile(threads, 0.5);
  if (!latencies.empty()) tenth.latency_p99 = Quantile(latencies, 0.99);
  return tenth;
}

}  // namespace

Growth GrowthOf(const std::vector<SoakSample>& samples) {
  const std::size_t count = samples.size() / 10;
  if (count == 0) return {};
  const std::span<const SoakSample> all = samples;
  const Tenth first = TenthOf(all.subspan(count, count));
  const Tenth last = TenthOf(all.last(count));
  Growth growth;
  growth.rss_mib = last.rss_mib - first.rss_mib;
  growth.descriptors = last.descriptors - first.descriptors;
  growth.threads = last.threads - first.threads;
  if (first.latency_p99 > 0) growth.latency_p99_ratio = last.latency_p99 / first.latency_p99;
  return growth;
}

}  // namespace ekya::learning
