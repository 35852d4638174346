// The records of a share, kept until it is known which blocks they are in.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "worker/data/examples.h"

namespace zhiyin::worker::data {

/// The examples of the records of a share, in order. Records are numbered from the beginning of the
/// share. A plain value.
class ShareRecords {
 public:
  /// Appends the examples of the next records. `n_examples` [n_records]: how many each has.
  void Append(Examples examples, std::span<const int32_t> n_examples);

  int64_t n_records() const { return n_records_; }
  int64_t n_examples() const { return n_examples_; }

  /// Returns the examples of the n records from `first` on. REQUIRES: 0 < n, and there are as many.
  Examples Copy(int64_t first, int64_t n) const;
  /// Returns what Copy returns, and gives its memory away where these records were appended
  /// together. REQUIRES: they are not asked for again.
  Examples Take(int64_t first, int64_t n);

 private:
  struct Piece;
  /// The position of the piece that has a record.
  size_t PieceOf(int64_t record) const;

  /// What was appended together.
  struct Piece {
    int64_t first_record = 0;
    std::vector<int32_t> example_begin;  // [n_records + 1]
    Examples examples;
  };

  std::vector<Piece> pieces_;
  int64_t n_records_ = 0;
  int64_t n_examples_ = 0;
};

}  // namespace zhiyin::worker::data
