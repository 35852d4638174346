#include "worker/data/generated_ratings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/generated_columns.h"
#include "common/random.h"
#include "worker/data/row_parser.h"
#include "worker/data/schema.h"

namespace zhiyin::worker {
namespace {

constexpr double kBias = 3.5;
constexpr double kDefaultNoise = 0.5;

constexpr int kGroups = 8;
constexpr int kRegions = 20;
constexpr int kGenres = 18;
constexpr int kMakers = 50;
constexpr int kTags = 30;
constexpr int kMaxTags = 3;

enum Column {
  kUserAge,
  kUserActivity,
  kUserGroup,
  kUserRegion,
  kItemAge,
  kItemQuality,
  kItemGenre,
  kItemMaker,
  kItemTags,
  kRating,
  kNumColumns
};
static_assert(kNumColumns == kGeneratedColumns.size());

/// The known answer.
struct TrueWeights {
  explicit TrueWeights(uint64_t seed) {
    Random random(seed, 0, 0);  // a stream that no row has
    for (double* weight : {&age, &activity, &item_age, &quality}) *weight = 0.3 * random.Normal();
    for (std::span<double> weights :
         {std::span<double>(group), std::span<double>(region), std::span<double>(genre),
          std::span<double>(maker), std::span<double>(tag)}) {
      for (double& weight : weights) weight = 0.3 * random.Normal();
    }
  }

  double age = 0;
  double activity = 0;
  double item_age = 0;
  double quality = 0;
  std::array<double, kGroups> group;
  std::array<double, kRegions> region;
  std::array<double, kGenres> genre;
  std::array<double, kMakers> maker;
  std::array<double, kTags> tag;
};

/// Makes rows as text, so that they are parsed by the very code that parses files. One thread.
class RatingGenerator {
 public:
  explicit RatingGenerator(const GeneratedRatings& config)
      : seed_(config.seed()),
        noise_(config.has_noise() ? config.noise() : kDefaultNoise),
        weights_(config.seed()) {}

  /// [kNumColumns], valid until the next call.
  std::span<const std::string_view> Row(int64_t i);

 private:
  /// Sets a cell to a number of nine digits, which no float loses anything by; returns the number that the
  /// cell holds.
  double SetNumber(Column column, double value);
  /// Draws a category and sets a cell to its name; returns its weight.
  double SetCategory(Column column, std::string_view name, std::span<const double> weights, Random* random);
  double SetTags(Random* random);

  uint64_t seed_;
  double noise_;
  TrueWeights weights_;
  std::array<std::string, kNumColumns> cells_;
  std::array<std::string_view, kNumColumns> values_;
};

std::span<const std::string_view> RatingGenerator::Row(int64_t i) {
  Random random(seed_, static_cast<uint64_t>(i));
  double rating = kBias;
  rating += weights_.age * (SetNumber(kUserAge, 18 + 62 * random.Uniform()) - 49) / 18;
  rating += weights_.activity * (SetNumber(kUserActivity, -5 * std::log(1 - random.Uniform())) - 5) / 5;
  rating += SetCategory(kUserGroup, "group", weights_.group, &random);
  rating += SetCategory(kUserRegion, "region", weights_.region, &random);
  rating += weights_.item_age * (SetNumber(kItemAge, 3650 * random.Uniform()) - 1825) / 1054;
  rating += weights_.quality * SetNumber(kItemQuality, random.Normal());
  rating += SetCategory(kItemGenre, "genre", weights_.genre, &random);
  rating += SetCategory(kItemMaker, "maker", weights_.maker, &random);
  rating += SetTags(&random);
  SetNumber(kRating, rating + noise_ * random.Normal());
  std::copy(cells_.begin(), cells_.end(), values_.begin());
  return values_;
}

double RatingGenerator::SetNumber(Column column, double value) {
  const float number = static_cast<float>(value);
  char text[32];
  const auto [end, error] =
      std::to_chars(text, text + sizeof(text), static_cast<double>(number), std::chars_format::general, 9);
  cells_[column].assign(text, end);
  return number;
}

double RatingGenerator::SetCategory(Column column, std::string_view name, std::span<const double> weights,
                                    Random* random) {
  const size_t category = random->Below(weights.size());
  cells_[column].assign(name).append(std::to_string(category));
  return weights[category];
}

double RatingGenerator::SetTags(Random* random) {
  std::array<size_t, kTags> tags;
  for (size_t t = 0; t < tags.size(); ++t) tags[t] = t;
  const size_t n = random->Below(kMaxTags + 1);
  double sum = 0;
  std::string& cell = cells_[kItemTags];
  cell.clear();
  for (size_t t = 0; t < n; ++t) {
    std::swap(tags[t], tags[t + random->Below(kTags - t)]);
    cell.append(t > 0 ? "|tag" : "tag").append(std::to_string(tags[t]));
    sum += weights_.tag[tags[t]];
  }
  return sum;
}

class GeneratedSource : public Source {
 public:
  GeneratedSource(const Job& job, const Split& split, LabelUse labels)
      : generator_(job.data().generated_ratings()),
        parser_(job, Schema::Of(job, AllColumns(), labels)),
        first_row_(split.first_row()) {
    n_rows_ = std::max<int64_t>(job.data().generated_ratings().n_rows() - first_row_, 0);
    if (split.n_rows() > 0) n_rows_ = std::min(n_rows_, split.n_rows());
  }

  int64_t Read(int64_t block, Rows* rows, std::vector<BadLine>* bad) override {
    *rows = parser_.NewRows();
    bad->clear();
    const int64_t begin = block * kBlockRows;
    const int64_t end = std::min(begin + kBlockRows, n_rows_);
    for (int64_t row = begin; row < end; ++row) {
      const std::string wrong = parser_.Parse(generator_.Row(first_row_ + row), rows);
      if (wrong.empty()) continue;
      bad->push_back({row, "generated_ratings: row " + std::to_string(first_row_ + row) + ": " + wrong});
    }
    return std::max<int64_t>(end - begin, 0);
  }

 private:
  static Columns AllColumns() {
    return {kNumColumns, {kGeneratedColumns.begin(), kGeneratedColumns.end()}, "data.generated_ratings"};
  }

  RatingGenerator generator_;
  RowParser parser_;
  int64_t first_row_;
  int64_t n_rows_;
};

}  // namespace

void WriteGeneratedRatings(const GeneratedRatings& config, std::ostream& out) {
  const char* separator = "";
  for (const std::string_view name : kGeneratedColumns) {
    out << separator << name;
    separator = "\t";
  }
  out << '\n';
  RatingGenerator generator(config);
  for (int64_t i = 0; i < config.n_rows(); ++i) {
    separator = "";
    for (const std::string_view cell : generator.Row(i)) {
      out << separator << cell;
      separator = "\t";
    }
    out << '\n';
  }
}

std::unique_ptr<Source> MakeGeneratedSource(const Job& job, const Split& split, LabelUse labels) {
  return std::make_unique<GeneratedSource>(job, split, labels);
}

}  // namespace zhiyin::worker
