#include "worker/data/split_ranges.h"

#include <algorithm>
#include <limits>

#include "common/text.h"

namespace zhiyin::worker::data {

std::string TooFewRecords(const Data& data, SplitKind split, int64_t n_records) {
  const int64_t n_wanted = SplitOf(data, split).n_rows();
  if (data.has_behaviour() || n_records >= n_wanted) return "";
  return TextOf("n_rows is ", n_wanted, ", but the files have only ", n_records,
                " rows from first_row on");
}

std::string RecordsOfTraining(const Data& data, SplitKind split, int64_t n_records) {
  const Split& train = data.train();
  const Split& own = SplitOf(data, split);
  if (data.has_behaviour() || split == SplitKind::kTrain ||
      !std::ranges::equal(train.file(), own.file()))
    return "";
  // All records of the split exist, so that training has those of them that are in its range.
  const int64_t train_end =
      train.n_rows() > 0 ? train.first_row() + train.n_rows() : std::numeric_limits<int64_t>::max();
  const int64_t n_common = std::min(own.first_row() + n_records, train_end) -
                           std::max(own.first_row(), train.first_row());
  if (n_common <= 0) return "";
  return TextOf(n_common, " of its ", n_records, n_common == 1 ? " rows is" : " rows are",
                " in data.train, too");
}

}  // namespace zhiyin::worker::data
