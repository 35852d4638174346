#include "worker/data/statistics.h"

#include <cmath>

#include "common/bytes.h"

namespace zhiyin::worker {

void Moments::Add(double x) {
  ++n;
  const double before = x - mean;
  mean += before / static_cast<double>(n);
  m2 += before * (x - mean);
}

void Moments::Merge(const Moments& other) {
  if (other.n == 0) return;
  const double total = static_cast<double>(n + other.n);
  const double difference = other.mean - mean;
  m2 += other.m2 + difference * difference * static_cast<double>(n) * static_cast<double>(other.n) / total;
  mean += difference * static_cast<double>(other.n) / total;
  n += other.n;
}

double Moments::Stddev() const {
  return n > 0 ? std::sqrt(m2 / static_cast<double>(n)) : 0;
}

BlockSummary BlockSummary::Of(const Rows& rows) {
  BlockSummary summary;
  summary.n_rows = rows.n;
  summary.numerics.resize(static_cast<size_t>(rows.n_numerics));
  summary.n_observed.resize(static_cast<size_t>(rows.n_tasks));
  for (size_t at = 0; at < rows.numerics.size(); ++at) {
    if (!std::isnan(rows.numerics[at])) summary.numerics[at % summary.numerics.size()].Add(rows.numerics[at]);
  }
  for (size_t at = 0; at < rows.labels.size(); ++at) {
    if (!std::isnan(rows.labels[at])) ++summary.n_observed[at % summary.n_observed.size()];
  }
  return summary;
}

std::string Serialize(const BlockSummaries& summaries) {
  ByteWriter out;
  out.Put<uint64_t>(summaries.size());
  for (const auto& [block, summary] : summaries) {
    out.Put(block);
    out.Put(summary.n_rows);
    out.Put(summary.n_bad);
    out.PutString(summary.first_bad);
    out.Put<uint64_t>(summary.numerics.size());
    for (const Moments& moments : summary.numerics) {
      out.Put(moments.n);
      out.Put(moments.mean);
      out.Put(moments.m2);
    }
    out.PutArray<int64_t>(summary.n_observed);
  }
  return out.Take();
}

BlockSummaries ParseBlockSummaries(std::string_view bytes) {
  ByteReader in(bytes, "summary of a worker's data");
  BlockSummaries summaries;
  for (uint64_t n = in.Get<uint64_t>(); n > 0; --n) {
    BlockSummary& summary = summaries[in.Get<int64_t>()];
    summary.n_rows = in.Get<int64_t>();
    summary.n_bad = in.Get<int64_t>();
    summary.first_bad = in.GetString();
    for (uint64_t k = in.Get<uint64_t>(); k > 0; --k) {
      Moments& moments = summary.numerics.emplace_back();
      moments.n = in.Get<int64_t>();
      moments.mean = in.Get<double>();
      moments.m2 = in.Get<double>();
    }
    summary.n_observed = in.GetArray<int64_t>();
  }
  return summaries;
}

SplitSummary SplitSummary::Of(const BlockSummaries& blocks) {
  SplitSummary total;
  for (const auto& [block, summary] : blocks) {
    total.n_rows += summary.n_rows;
    total.n_bad += summary.n_bad;
    if (total.first_bad.empty()) total.first_bad = summary.first_bad;
    total.numerics.resize(summary.numerics.size());
    for (size_t k = 0; k < summary.numerics.size(); ++k) total.numerics[k].Merge(summary.numerics[k]);
    total.n_observed.resize(summary.n_observed.size());
    for (size_t t = 0; t < summary.n_observed.size(); ++t) total.n_observed[t] += summary.n_observed[t];
  }
  return total;
}

void Normalizer::Apply(std::span<float> numerics) const {
  for (size_t at = 0; at < numerics.size(); ++at) {
    const size_t k = at % mean.size();
    numerics[at] = std::isnan(numerics[at]) ? 0.0f : (numerics[at] - mean[k]) * scale[k];
  }
}

}  // namespace zhiyin::worker
