#include "worker/data/generated_uniform.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "common/generated_columns.h"
#include "common/random.h"
#include "worker/data/row_parser.h"
#include "worker/data/schema.h"

namespace zhiyin::worker {
namespace {

class UniformSource final : public Source {
 public:
  UniformSource(const Job& job, const Split& split, LabelUse labels)
      : config_(job.data().generated_uniform()),
        parser_(job, Schema::Of(job, AllColumns(config_), labels)),
        first_row_(split.first_row()),
        cells_(UniformColumns(config_).size()),
        values_(cells_.size()) {
    n_rows_ = std::max<int64_t>(config_.n_rows() - first_row_, 0);
    if (split.n_rows() > 0) n_rows_ = std::min(n_rows_, split.n_rows());
  }

  int64_t Read(int64_t block, Rows* rows, std::vector<BadLine>* bad) override {
    *rows = parser_.NewRows();
    bad->clear();
    const int64_t begin = block * kBlockRows;
    const int64_t end = std::min(begin + kBlockRows, n_rows_);
    for (int64_t row = begin; row < end; ++row) {
      MakeRow(first_row_ + row);
      const std::string wrong = parser_.Parse(values_, rows);
      if (wrong.empty()) continue;
      bad->push_back({row, "generated_uniform: row " + std::to_string(first_row_ + row) + ": " + wrong});
    }
    return std::max<int64_t>(end - begin, 0);
  }

 private:
  static Columns AllColumns(const GeneratedUniform& config) {
    const std::vector<std::string> names = UniformColumns(config);
    return {static_cast<int>(names.size()), names, "data.generated_uniform"};
  }

  /// As text, so that rows are parsed by the very code that parses files.
  void MakeRow(int64_t i) {
    Random random(config_.seed(), static_cast<uint64_t>(i));
    const size_t n_columns = static_cast<size_t>(config_.n_columns());
    for (size_t c = 0; c < cells_.size(); ++c) {
      const uint64_t n = c < n_columns ? static_cast<uint64_t>(config_.n_categories()) : 2;
      cells_[c] = std::to_string(random.Below(n));
    }
    std::copy(cells_.begin(), cells_.end(), values_.begin());
  }

  GeneratedUniform config_;
  RowParser parser_;
  int64_t first_row_;
  int64_t n_rows_ = 0;
  std::vector<std::string> cells_;        // [columns]
  std::vector<std::string_view> values_;  // the same, valid until the next row
};

}  // namespace

std::unique_ptr<Source> MakeUniformSource(const Job& job, const Split& split, LabelUse labels) {
  return std::make_unique<UniformSource>(job, split, labels);
}

}  // namespace zhiyin::worker
