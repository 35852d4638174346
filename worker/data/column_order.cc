#include "worker/data/column_order.h"

#include <utility>

namespace zhiyin::worker::data {

ColumnOrder::ColumnOrder(int n_in_files, std::vector<int> places)
    : is_as_trained_(static_cast<size_t>(n_in_files) == places.size()),
      n_in_files_(static_cast<size_t>(n_in_files)),
      places_(std::move(places)) {
  for (size_t c = 0; c < places_.size(); ++c)
    is_as_trained_ = is_as_trained_ && places_[c] == static_cast<int>(c);
}

std::string ColumnOrder::Apply(std::vector<std::string_view>* values) {
  if (is_as_trained_) return "";
  if (values->size() != n_in_files_) {
    return std::to_string(values->size()) + (values->size() == 1 ? " column" : " columns") +
           ", expected " + std::to_string(n_in_files_);
  }
  in_file_.assign(values->begin(), values->end());
  values->assign(places_.size(), std::string_view());
  for (size_t c = 0; c < places_.size(); ++c) {
    if (places_[c] != kAbsent) (*values)[c] = in_file_[static_cast<size_t>(places_[c])];
  }
  return "";
}

}  // namespace zhiyin::worker::data
