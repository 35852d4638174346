// The order of the columns in the files of a split, where it differs from that of training.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::worker::data {

/// Brings the values of lines into the order of the columns of training. Used by one thread.
class ColumnOrder {
 public:
  ColumnOrder() = default;  // the order of training
  /// `places`: for each column of training its position in the files; kAbsent where they lack it.
  /// `n_in_files`: how many columns the files have.
  ColumnOrder(int n_in_files, std::vector<int> places);

  static constexpr int kAbsent = -1;

  /// Whether the files have a column of training.
  bool Has(size_t column) const { return is_as_trained_ || places_[column] != kAbsent; }

  /// Replaces *values, those of a line of the files, by the values of the columns of training;
  /// those of columns that the files lack are empty. Returns what is wrong with a line that has
  /// another number of values, and an empty string otherwise. Where the order is that of training,
  /// it leaves all lines as they are, and their numbers unchecked.
  std::string Apply(std::vector<std::string_view>* values);

 private:
  bool is_as_trained_ = true;
  size_t n_in_files_ = 0;
  std::vector<int> places_;
  std::vector<std::string_view> in_file_;  // the values of the line in hand
};

}  // namespace zhiyin::worker::data
