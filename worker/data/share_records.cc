#include "worker/data/share_records.h"

#include <glog/logging.h>

#include <algorithm>
#include <utility>

namespace zhiyin::worker::data {

void ShareRecords::Append(Examples examples, std::span<const int32_t> n_examples) {
  Piece piece{n_records_, {0}, std::move(examples)};
  for (const int32_t n : n_examples) piece.example_begin.push_back(piece.example_begin.back() + n);
  CHECK_EQ(piece.example_begin.back(), piece.examples.n);
  n_records_ += static_cast<int64_t>(n_examples.size());
  n_examples_ += piece.examples.n;
  pieces_.push_back(std::move(piece));
}

size_t ShareRecords::PieceOf(int64_t record) const {
  const auto behind =
      std::upper_bound(pieces_.begin(), pieces_.end(), record,
                       [](int64_t number, const Piece& p) { return number < p.first_record; });
  return static_cast<size_t>(behind - pieces_.begin()) - 1;
}

Examples ShareRecords::Take(int64_t first, int64_t n) {
  Piece& piece = pieces_[PieceOf(first)];
  const int64_t n_records = static_cast<int64_t>(piece.example_begin.size()) - 1;
  if (piece.first_record != first || n_records != n) return Copy(first, n);
  return std::move(piece.examples);
}

Examples ShareRecords::Copy(int64_t first, int64_t n) const {
  CHECK_LE(first + n, n_records_);
  const Piece* piece = &pieces_[PieceOf(first)];
  Examples copied(piece->examples.n_fields, piece->examples.n_numerics, piece->examples.n_tasks);
  for (const int64_t end = first + n; first < end; ++piece) {
    const size_t begin = static_cast<size_t>(first - piece->first_record);
    const size_t n_here =
        std::min(static_cast<size_t>(end - first), piece->example_begin.size() - 1 - begin);
    const int64_t first_example = piece->example_begin[begin];
    copied.Append(piece->examples, first_example,
                  piece->example_begin[begin + n_here] - first_example);
    first += static_cast<int64_t>(n_here);
  }
  return copied;
}

}  // namespace zhiyin::worker::data
