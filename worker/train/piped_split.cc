#include "worker/train/piped_split.h"

#include <algorithm>

#include "common/error.h"
#include "worker/data/pipe.h"

namespace zhiyin::worker::train {

bool IsPiped(const Job& job, data::SplitKind split, Group* group) {
  const Split& files = data::SplitOf(job.data(), split);
  if (!job.data().has_text() || files.file_size() != 1) return false;
  const bool is_pipe = group->IsChief() && data::IsPipe(files);
  return !group->Broadcast(is_pipe ? "a pipe" : "", "whether a file is a pipe").empty();
}

void CheckPiped(const Manifest& manifest, data::SplitKind split) {
  const Job& job = manifest.job();
  const Split& files = data::SplitOf(job.data(), split);
  if (split == data::SplitKind::kTrain && manifest.has_progress())
    Fail("--resume: data.train is a pipe, ", files.file(0),
         ", and nothing says that it has the data of before: expected files, or a new job");
  if (job.data().has_behaviour())
    Fail(files.file(0), ": is a pipe, and data.behaviour reads data.", data::SplitName(split),
         " more than once, expected a file");
  if (split != data::SplitKind::kTrain) return;
  if (job.data().statistics().has_sample_rows())
    Fail("data.statistics.sample_rows: data.train is a pipe, which is read once, expected ",
         job.data().one_pass() ? "statistics in the config" : "all of it to give the statistics",
         ", or data.statistics.model");
  for (const data::SplitKind other : data::EvaluatedSplits(job.data())) {
    const auto& others = data::SplitOf(job.data(), other).file();
    if (std::ranges::find(others, files.file(0)) != others.end())
      Fail(files.file(0), ": is a pipe, which data.train reads, expected a file in data.",
           data::SplitName(other));
  }
  // What precedes the rows of a training split would have to be read again.
  if (files.first_row() > 0 || files.n_rows() > 0)
    Fail(files.file(0), ": is a pipe, which data.train reads as a whole, expected neither ",
         "first_row nor n_rows: let what writes to it choose the rows");
}

}  // namespace zhiyin::worker::train
