#include "worker/train/row_sample.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "common/random.h"
#include "common/text.h"
#include "worker/model/loss/loss.h"

namespace zhiyin::worker::train {
namespace {

constexpr char kSampleName[] = "a sample of the data";
/// Distinguishes the draws of samples from other random numbers of the seed.
constexpr uint64_t kSamples = 0x73616d706c65;
/// The most parts, and the fewest records of each where there is more than one.
constexpr int64_t kMaxParts = 256;
constexpr int64_t kPartRecords = 256;

/// The places of a sample, one for each part of the files.
struct SamplePart {
  data::FileCut begin;
  data::FileCut end;
};

/// Divides the files into parts. `is_drawn`: whether each is read from a unit on that the seed
/// draws, in the first half of its units; else from its first unit on.
std::vector<SamplePart> PartsOf(const std::vector<data::Unit>& units, int64_t n_parts,
                                bool is_drawn, uint64_t seed) {
  const auto cut = [&](int64_t unit) -> data::FileCut {
    if (unit < static_cast<int64_t>(units.size())) return units[static_cast<size_t>(unit)].begin;
    return {units.back().begin.file + 1, 0};
  };
  const int64_t n_units = static_cast<int64_t>(units.size());
  std::vector<SamplePart> parts;
  for (int64_t p = 0; p < n_parts; ++p) {
    const int64_t first = n_units * p / n_parts;
    const int64_t end = n_units * (p + 1) / n_parts;
    const uint64_t half = static_cast<uint64_t>((end - first + 1) / 2);
    const int64_t drawn =
        is_drawn
            ? static_cast<int64_t>(Random(seed, kSamples, static_cast<uint64_t>(p)).Below(half))
            : 0;
    parts.push_back({cut(first + drawn), cut(end)});
  }
  return parts;
}

/// Adds what is in the first n records of a part.
void ReadPart(const SamplePart& part, int64_t n, data::SharedFiles* files, Group* group,
              RowSample* to) {
  files->BeginShare(part.begin, part.end, /*points_every=*/0);
  data::Examples examples;
  std::vector<data::BadLine> bad;
  for (int64_t n_left = n; n_left > 0;) {
    group->SendHeartbeat();
    const int64_t n_read = files->ReadOn(std::min(n_left, data::kBlockRecords), &examples, &bad);
    if (n_read == 0) return;
    n_left -= n_read;
    to->n_records += n_read;
    to->summary.Add(examples);
  }
  to->is_whole = false;
}

std::string SerializeSample(const RowSample& sample) {
  ByteWriter out;
  out.Put(sample.n_records);
  out.Put<uint64_t>(sample.is_whole ? 1 : 0);
  sample.summary.Write(&out);
  return out.Take();
}

RowSample ParseSample(const std::string& bytes, const Job& job) {
  ByteReader in(bytes, kSampleName);
  RowSample sample;
  sample.n_records = in.Get<int64_t>();
  if (sample.n_records < 0 || sample.n_records > data::RecordRuns::kMostRecords)
    in.Refuse("an impossible number of records");
  const uint64_t is_whole = in.Get<uint64_t>();
  if (is_whole > 1) in.Refuse("neither 0 nor 1");
  sample.is_whole = is_whole == 1;
  sample.summary = data::SplitSummary::Read(&in, sample.n_records);
  if (!in.AtEnd()) in.Refuse("not the last");
  const size_t n_numerics = sample.summary.numerics.size();
  const size_t n_tasks = sample.summary.labels.size();
  if (sample.summary.n_rows > 0 && (n_numerics != static_cast<size_t>(job.numeric_size()) ||
                                    n_tasks != static_cast<size_t>(job.task_size())))
    in.Refuse("of another number of inputs or tasks");
  return sample;
}

/// Returns the samples of all workers, put together, at all of them.
RowSample ShareSample(const RowSample& own, const Job& job, Group* group) {
  const std::vector<std::string> parts =
      group->Gather(SerializeSample(own), "its sample of the data");
  RowSample all;
  all.is_whole = true;
  for (size_t w = 0; w < parts.size(); ++w) {
    FromRank(group->RankOfWorker(static_cast<int>(w)), [&] {
      const RowSample part = ParseSample(parts[w], job);
      all.n_records += part.n_records;
      all.is_whole = all.is_whole && part.is_whole;
      if (part.summary.n_rows > 0) all.summary.Merge(part.summary);
    });
  }
  const std::string told = group->Broadcast(SerializeSample(all), "the sample of the data");
  return FromRank(group->RankOfWorker(0), [&] { return ParseSample(told, job); });
}

}  // namespace

RowSample SampleRows(const Job& job, int64_t n, data::Source* source, int n_workers, Group* group) {
  data::SharedFiles* const files = source->shared_files();
  const std::vector<data::Unit> units = files->Units();
  const int64_t n_parts = std::min(std::clamp<int64_t>(n / kPartRecords, 1, kMaxParts),
                                   static_cast<int64_t>(units.size()));
  for (int64_t n_each = (n + n_parts - 1) / n_parts, n_tried = 0;; ++n_tried) {
    const std::vector<SamplePart> parts =
        PartsOf(units, n_parts, /*is_drawn=*/n_tried == 0, job.train().seed());
    RowSample own;
    own.is_whole = n_tried > 0;
    for (int64_t p = group->worker(); p < n_parts; p += n_workers)
      ReadPart(parts[static_cast<size_t>(p)], n_each, files, group, &own);
    RowSample all = ShareSample(own, job, group);
    if (all.n_records < n && !all.is_whole) {
      if (n_tried > 0) n_each *= 2;
      continue;
    }
    if (all.summary.n_rows == 0) {
      Fail("data.statistics.sample_rows: none of the ", all.n_records,
           " records of data.train that were read makes an example, expected some");
    }
    return all;
  }
}

std::vector<std::string> SampleNotes(const Job& job, const RowSample& sample) {
  std::vector<std::string> notes;
  if (!sample.is_whole) {
    notes.push_back(
        TextOf("statistics are of a sample of ", sample.n_records, " rows of data.train"));
  }
  for (int k = 0; k < job.numeric_size(); ++k) {
    const Numeric& numeric = job.numeric(k);
    const data::ExactMoments& moments = sample.summary.numerics[static_cast<size_t>(k)];
    if (!numeric.standardise() || numeric.has_mean()) continue;
    if (moments.n() > 0 && !moments.IsConstant()) continue;
    notes.push_back(TextOf("note: numeric \"", numeric.name(), "\": has ",
                           moments.n() == 0 ? "no" : "one",
                           " value in the sample of data.train: it is not scaled"));
  }
  for (int t = 0; t < job.task_size(); ++t) {
    const Task& task = job.task(t);
    if (sample.summary.n_observed[static_cast<size_t>(t)] > 0 || task.has_label_mean() ||
        job.train().start_at_zero() || model::loss::ChosenLoss(task)->first_output == nullptr)
      continue;
    notes.push_back(TextOf("note: task ", task.name(),
                           ": no row of the sample of data.train has a label: its output starts "
                           "at 0"));
  }
  return notes;
}

}  // namespace zhiyin::worker::train
