#include "worker/data/statistics.h"

#include <cmath>

#include "common/bytes.h"
#include "common/error.h"
#include "worker/data/source.h"

namespace zhiyin::worker::data {
namespace {

constexpr char kBytesName[] = "block summaries";

[[noreturn]] void Refuse(int64_t block, const char* what) {
  Fail(kBytesName, ": block ", block, ": ", what, ", expected what a worker's first pass finds");
}

/// Throws Error for values that no pass over a block of any job can find.
void CheckSummary(int64_t block, const BlockSummary& summary) {
  if (block < 0) Refuse(block, "negative number");
  if (summary.n_rows < 0 || summary.n_bad < 0 || summary.n_rows > kMaxRowsOfBlock ||
      summary.n_bad > kBlockRows) {
    Refuse(block, "impossible number of rows");
  }
  if (summary.first_bad.empty() != (summary.n_bad == 0)) Refuse(block, "malformed lines not named");
  for (const Moments& moments : summary.numerics) {
    if (moments.n < 0 || moments.n > summary.n_rows) Refuse(block, "impossible number of values");
    if (!std::isfinite(moments.mean) || !std::isfinite(moments.m2) || moments.m2 < 0) {
      Refuse(block, "impossible moments");
    }
  }
  for (const int64_t n : summary.n_observed) {
    if (n < 0 || n > summary.n_rows) Refuse(block, "impossible number of labels");
  }
}

}  // namespace

void Moments::Add(double x) {
  ++n;
  const double delta = x - mean;
  mean += delta / static_cast<double>(n);
  m2 += delta * (x - mean);
}

void Moments::Merge(const Moments& other) {
  if (other.n == 0) return;
  const double total = static_cast<double>(n + other.n);
  const double delta = other.mean - mean;
  mean += delta * static_cast<double>(other.n) / total;
  m2 += other.m2 + delta * delta * static_cast<double>(n) * static_cast<double>(other.n) / total;
  n += other.n;
}

double Moments::Stddev() const {
  return n == 0 ? 0 : std::sqrt(m2 / static_cast<double>(n));
}

BlockSummary BlockSummary::Of(const Rows& rows) {
  BlockSummary summary;
  summary.n_rows = rows.n;
  summary.numerics.resize(static_cast<size_t>(rows.n_numerics));
  for (size_t at = 0; at < rows.numerics.size(); ++at) {
    const float x = rows.numerics[at];
    if (!std::isnan(x)) summary.numerics[at % summary.numerics.size()].Add(x);
  }
  summary.n_observed.resize(static_cast<size_t>(rows.n_tasks));
  for (size_t at = 0; at < rows.labels.size(); ++at) {
    if (!std::isnan(rows.labels[at])) ++summary.n_observed[at % summary.n_observed.size()];
  }
  return summary;
}

// Format: u64 n_blocks; for each block, ascending: i64 block, i64 n_rows, i64 n_bad, string
// first_bad, then arrays: i64 n, f64 mean and f64 m2 of the numerics, i64 n_observed.
std::string Serialize(const BlockSummaries& summaries) {
  ByteWriter writer;
  writer.Put<uint64_t>(summaries.size());
  std::vector<int64_t> n;
  std::vector<double> mean;
  std::vector<double> m2;
  for (const auto& [block, summary] : summaries) {
    writer.Put(block);
    writer.Put(summary.n_rows);
    writer.Put(summary.n_bad);
    writer.PutString(summary.first_bad);
    n.clear();
    mean.clear();
    m2.clear();
    for (const Moments& moments : summary.numerics) {
      n.push_back(moments.n);
      mean.push_back(moments.mean);
      m2.push_back(moments.m2);
    }
    writer.PutArray<int64_t>(n);
    writer.PutArray<double>(mean);
    writer.PutArray<double>(m2);
    writer.PutArray<int64_t>(summary.n_observed);
  }
  return writer.Take();
}

BlockSummaries ParseBlockSummaries(std::string_view bytes) {
  ByteReader reader(bytes, kBytesName);
  BlockSummaries summaries;
  const uint64_t n_blocks = reader.Get<uint64_t>();
  for (uint64_t i = 0; i < n_blocks; ++i) {
    const int64_t block = reader.Get<int64_t>();
    if (!summaries.empty() && block <= summaries.rbegin()->first) Refuse(block, "out of order");
    BlockSummary summary;
    summary.n_rows = reader.Get<int64_t>();
    summary.n_bad = reader.Get<int64_t>();
    summary.first_bad = reader.GetString();
    const std::vector<int64_t> n = reader.GetArray<int64_t>();
    const std::vector<double> mean = reader.GetArray<double>();
    const std::vector<double> m2 = reader.GetArray<double>();
    if (mean.size() != n.size() || m2.size() != n.size())
      Refuse(block, "moments of different lengths");
    for (size_t j = 0; j < n.size(); ++j) summary.numerics.push_back({n[j], mean[j], m2[j]});
    summary.n_observed = reader.GetArray<int64_t>();
    CheckSummary(block, summary);
    if (!summaries.empty() &&
        (summary.numerics.size() != summaries.begin()->second.numerics.size() ||
         summary.n_observed.size() != summaries.begin()->second.n_observed.size())) {
      Refuse(block, "another shape than the first block");
    }
    summaries.emplace_hint(summaries.end(), block, std::move(summary));
  }
  if (!reader.AtEnd())
    Fail(kBytesName, ": bytes after the last of ", n_blocks, " blocks, expected none");
  return summaries;
}

SplitSummary SplitSummary::Of(const BlockSummaries& blocks) {
  SplitSummary total;
  for (const auto& [block, summary] : blocks) {
    total.n_rows += summary.n_rows;
    total.n_bad += summary.n_bad;
    if (total.first_bad.empty()) total.first_bad = summary.first_bad;
    total.numerics.resize(summary.numerics.size());
    for (size_t j = 0; j < summary.numerics.size(); ++j)
      total.numerics[j].Merge(summary.numerics[j]);
    total.n_observed.resize(summary.n_observed.size());
    for (size_t t = 0; t < summary.n_observed.size(); ++t)
      total.n_observed[t] += summary.n_observed[t];
  }
  return total;
}

void Normalizer::Apply(std::span<float> numerics) const {
  const size_t n_numerics = mean.size();
  for (size_t at = 0; at < numerics.size(); at += n_numerics) {
    for (size_t j = 0; j < n_numerics; ++j) {
      float& x = numerics[at + j];
      x = std::isnan(x) ? 0.0f : (x - mean[j]) * scale[j];
    }
  }
}

}  // namespace zhiyin::worker::data
