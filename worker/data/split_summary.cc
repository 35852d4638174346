#include "worker/data/split_summary.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "worker/data/seen_columns.h"

namespace zhiyin::worker::data {
namespace {

constexpr char kFindingsName[] = "findings of a pass";

/// Resizes the vector where it has no elements yet, and the other has.
template <typename T>
void TakeShape(const std::vector<T>& other, std::vector<T>* own) {
  if (own->empty()) own->resize(other.size());
}

template <typename T>
void MergeEach(const std::vector<T>& other, std::vector<T>* own) {
  TakeShape(other, own);
  for (size_t i = 0; i < other.size(); ++i) (*own)[i].Merge(other[i]);
}

void AddUnlessZero(double x, ExactSum* sum) {
  if (x != 0) sum->Add(x);
}

/// Reads the sums of the labels of a task. Their range is known.
ExactLabelSums ReadLabelSums(ByteReader* in) {
  ExactLabelSums sums;
  sums.weight = ExactSum::Read(in);
  sums.label = ExactSum::Read(in);
  sums.positives = ExactSum::Read(in);
  const LabelSums rounded = sums.Rounded();
  if (!(rounded.positives >= 0) || !(rounded.positives <= rounded.weight))
    in->Refuse("impossible sums of labels");
  return sums;
}

LabelRange ReadLabelRange(int64_t n_observed, ByteReader* in) {
  LabelRange labels;
  labels.least = in->Get<double>();
  labels.most = in->Get<double>();
  const bool is_range =
      std::isfinite(labels.least) && std::isfinite(labels.most) && labels.least <= labels.most;
  const bool is_empty = labels.least == LabelRange().least && labels.most == LabelRange().most;
  if (!is_empty && (!is_range || n_observed == 0)) in->Refuse("impossible labels");
  return labels;
}

}  // namespace

void ExactLabelSums::Add(double label_of_example, double weight_of_example) {
  AddUnlessZero(weight_of_example, &weight);
  AddUnlessZero(weight_of_example * label_of_example, &label);
  if (label_of_example == 1) AddUnlessZero(weight_of_example, &positives);
}

void ExactLabelSums::Merge(const ExactLabelSums& other) {
  weight.Add(other.weight);
  label.Add(other.label);
  positives.Add(other.positives);
}

LabelSums ExactLabelSums::Rounded() const {
  return {weight.Value(), label.Value(), positives.Value()};
}

void SplitSummary::Add(const Examples& examples) {
  n_rows += examples.n;
  numerics.resize(static_cast<size_t>(examples.n_numerics));
  for (size_t at = 0; at < examples.numerics.size(); ++at) {
    const double x = examples.numerics[at];
    if (!std::isnan(x)) numerics[at % numerics.size()].Add(x);
  }
  n_observed.resize(static_cast<size_t>(examples.n_tasks));
  labels.resize(n_observed.size());
  label_sums.resize(n_observed.size());
  for (size_t at = 0; at < examples.labels.size(); ++at) {
    const double label = examples.labels[at];
    if (std::isnan(label)) continue;
    const size_t t = at % labels.size();
    const double weight = examples.weights.empty() ? 1 : examples.weights[at];
    ++n_observed[t];
    if (weight > 0) labels[t].Add(label);
    label_sums[t].Add(label, weight);
  }
}

void SplitSummary::AddBad(const BadLine& line) {
  ++n_bad;
  first_bad.emplace(line.row, line);
  if (first_bad.size() > kMaxBadKept) first_bad.erase(std::prev(first_bad.end()));
}

void SplitSummary::Merge(const SplitSummary& other) {
  n_rows += other.n_rows;
  n_bad += other.n_bad;
  first_bad.insert(other.first_bad.begin(), other.first_bad.end());
  while (first_bad.size() > kMaxBadKept) first_bad.erase(std::prev(first_bad.end()));
  MergeEach(other.numerics, &numerics);
  TakeShape(other.n_observed, &n_observed);
  for (size_t t = 0; t < other.n_observed.size(); ++t) n_observed[t] += other.n_observed[t];
  MergeEach(other.labels, &labels);
  MergeEach(other.label_sums, &label_sums);
  joins.Merge(other.joins);
  MergeSeen(other.seen, &seen);
}

std::vector<LabelSums> SplitSummary::RoundedLabelSums() const {
  std::vector<LabelSums> rounded;
  for (const ExactLabelSums& sums : label_sums) rounded.push_back(sums.Rounded());
  return rounded;
}

// Format: i64 n_rows, i64 n_bad; for each of the malformed records that are kept, ascending, i64
// record, string where, i64 number, string wrong; varint n_numerics, their moments; array i64
// n_observed; for each task f64 least, f64 most, the exact sums of weight, label and positives;
// JoinMatches; array u8 seen.
void SplitSummary::Write(ByteWriter* out) const {
  out->Put(n_rows);
  out->Put(n_bad);
  for (const auto& [record, line] : first_bad) {
    CHECK(!line.is_relative);
    out->Put(record);
    out->PutString(line.where);
    out->Put(line.number);
    out->PutString(line.wrong);
  }
  out->PutVarint(numerics.size());
  for (const ExactMoments& moments : numerics) moments.Write(out);
  out->PutArray<int64_t>(n_observed);
  for (size_t t = 0; t < n_observed.size(); ++t) {
    out->Put(labels[t].least);
    out->Put(labels[t].most);
    label_sums[t].weight.Write(out);
    label_sums[t].label.Write(out);
    label_sums[t].positives.Write(out);
  }
  joins.Write(out);
  out->PutArray<uint8_t>(seen);
}

SplitSummary SplitSummary::Read(ByteReader* in, int64_t n_records) {
  SplitSummary summary;
  summary.n_rows = in->Get<int64_t>();
  if (summary.n_rows < 0 || summary.n_rows > n_records * RecordRuns::kMostExamples)
    in->Refuse("an impossible number of rows");
  summary.n_bad = in->Get<int64_t>();
  if (summary.n_bad < 0 || summary.n_bad > n_records)
    in->Refuse("an impossible number of malformed records");
  while (static_cast<int64_t>(summary.first_bad.size()) <
         std::min<int64_t>(summary.n_bad, kMaxBadKept)) {
    const int64_t record = in->Get<int64_t>();
    if (record < 0 || (!summary.first_bad.empty() && record <= summary.first_bad.rbegin()->first))
      in->Refuse("malformed records out of order");
    BadLine line;
    line.row = record;
    line.where = in->GetString();
    line.number = in->Get<int64_t>();
    line.wrong = in->GetString();
    if (line.where.empty() || line.wrong.empty())
      in->Refuse("a malformed record that is not named");
    summary.first_bad.emplace(record, std::move(line));
  }
  for (auto n = in->GetVarint(INT32_MAX); n > 0; --n)
    summary.numerics.push_back(ExactMoments::Read(in, summary.n_rows));
  summary.n_observed = in->GetArray<int64_t>();
  for (const int64_t n : summary.n_observed) {
    if (n < 0 || n > summary.n_rows) in->Refuse("an impossible number of labels");
  }
  for (const int64_t n : summary.n_observed) {
    summary.labels.push_back(ReadLabelRange(n, in));
    summary.label_sums.push_back(ReadLabelSums(in));
  }
  summary.joins = JoinMatches::Read(in);
  if (summary.joins.n_lines > summary.n_rows) in->Refuse("an impossible number of joined lines");
  summary.seen = in->GetArray<uint8_t>();
  if (std::ranges::any_of(summary.seen, [](uint8_t is_seen) { return is_seen > 1; }))
    in->Refuse("impossible columns");
  return summary;
}

void SplitFindings::Add(int64_t block, int64_t n_records, const Examples& examples,
                        std::span<const BadLine> bad, const Source& source) {
  records.SkipTo(block * kBlockRecords);
  AddOfShare(n_records, examples, bad, source);
}

void SplitFindings::AddOfShare(int64_t n_records, const Examples& examples,
                               std::span<const BadLine> bad, const Source& source) {
  const int64_t first = records.n_records();
  const std::span<const int32_t> n_examples = source.n_examples_of_records();
  for (const int32_t n : n_examples) records.Append(1, n);
  if (n_examples.empty()) {
    for (const BadLine& line : bad) {
      records.Append(line.row - records.n_records(), 1);
      records.Append(1, 0);
    }
    records.Append(first + n_records - records.n_records(), 1);
  }
  summary.Add(examples);
  for (const BadLine& line : bad) summary.AddBad(line);
  summary.joins.Merge(source.joined());
  MergeSeen(source.seen(), &summary.seen);
}

void SplitFindings::AddNext(const SplitFindings& next) {
  summary.Merge(next.summary);
  next.records.ForEachRead([&](int64_t first, const RecordRuns::Run& run) {
    records.SkipTo(first);
    records.Append(run.n_records, run.n_examples);
  });
}

void SplitFindings::Renumber(int64_t first_record, int64_t n_lines_before) {
  RecordRuns renumbered;
  records.ForEachRead([&](int64_t first, const RecordRuns::Run& run) {
    renumbered.SkipTo(first_record + first);
    renumbered.Append(run.n_records, run.n_examples);
  });
  records = std::move(renumbered);
  std::map<int64_t, BadLine> bad;
  for (auto& [row, line] : summary.first_bad) {
    line.row += first_record;
    if (line.is_relative) line.number += n_lines_before;
    line.is_relative = false;
    bad.emplace(line.row, std::move(line));
  }
  summary.first_bad = std::move(bad);
  JoinMatches& joins = summary.joins;
  for (size_t j = 0; j < joins.first_missed.size(); ++j) {
    if (!joins.first_missed[j].empty()) joins.first_missed_at[j] += first_record;
  }
}

std::string SplitFindings::Serialize() const {
  ByteWriter out;
  records.Write(&out);
  summary.Write(&out);
  return out.Take();
}

SplitFindings SplitFindings::Parse(std::string_view bytes) {
  ByteReader in(bytes, kFindingsName);
  SplitFindings findings;
  findings.records = RecordRuns::Read(&in);
  findings.summary = SplitSummary::Read(&in, findings.records.n_read());
  if (findings.summary.n_rows != findings.records.n_examples())
    in.Refuse("of another number of examples than the records have");
  if (!in.AtEnd()) in.Refuse("not the last");
  return findings;
}

}  // namespace zhiyin::worker::data
