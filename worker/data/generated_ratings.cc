#include "worker/data/generated_ratings.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "common/random.h"
#include "worker/data/row_parser.h"

namespace zhiyin::worker {
namespace {

const std::vector<std::string>& ColumnNames() {
  static const std::vector<std::string> names = {"user_age",  "user_activity", "user_group", "user_region",
                                                 "item_age",  "item_quality",  "item_genre", "item_maker",
                                                 "item_tags", "rating"};
  return names;
}

constexpr uint64_t kGroups = 8;
constexpr uint64_t kRegions = 20;
constexpr uint64_t kGenres = 18;
constexpr uint64_t kMakers = 50;
constexpr uint64_t kTags = 30;
constexpr uint64_t kMaxTagsOfItem = 3;

std::string NumberText(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", value);
  return text;
}

/// Makes rows as columns of text, the form in which all data comes.
class RatingsMaker {
 public:
  explicit RatingsMaker(const GeneratedRatings& config) : seed_(config.seed()), noise_(config.noise()) {
    Random random(seed_, 0);
    const auto draw = [&](uint64_t n, double stddev) {
      std::vector<double> weights(n);
      for (double& w : weights) w = stddev * random.Normal();
      return weights;
    };
    group_ = draw(kGroups, 0.3);
    region_ = draw(kRegions, 0.2);
    genre_ = draw(kGenres, 0.3);
    maker_ = draw(kMakers, 0.3);
    tag_ = draw(kTags, 0.2);
  }

  /// The texts are valid until the next call.
  const std::vector<std::string>& Row(int64_t i) {
    Random random(seed_, 1, static_cast<uint64_t>(i));
    const uint64_t age = 18 + random.Below(63);
    const double activity = random.Normal();
    const uint64_t group = random.Below(kGroups);
    const uint64_t region = random.Below(kRegions);
    const uint64_t item_age = random.Below(31);
    const double quality = random.Normal();
    const uint64_t genre = random.Below(kGenres);
    const uint64_t maker = random.Below(kMakers);
    double rating = 3.5 + 0.012 * (static_cast<double>(age) - 45) + 0.25 * activity + group_[group] +
                    region_[region] - 0.015 * (static_cast<double>(item_age) - 15) + 0.4 * quality +
                    genre_[genre] + maker_[maker];
    std::string tags;
    std::vector<uint64_t> chosen;
    for (uint64_t n = random.Below(kMaxTagsOfItem + 1); n > 0; --n) {
      const uint64_t tag = random.Below(kTags);
      if (std::find(chosen.begin(), chosen.end(), tag) != chosen.end()) continue;
      chosen.push_back(tag);
      rating += tag_[tag];
      tags += (tags.empty() ? "t" : "|t") + std::to_string(tag);
    }
    rating += noise_ * random.Normal();
    columns_ = {std::to_string(age),
                NumberText(activity),
                "g" + std::to_string(group),
                "r" + std::to_string(region),
                std::to_string(item_age),
                NumberText(quality),
                "n" + std::to_string(genre),
                "m" + std::to_string(maker),
                tags,
                NumberText(rating)};
    return columns_;
  }

 private:
  uint64_t seed_;
  double noise_;
  std::vector<double> group_, region_, genre_, maker_, tag_;
  std::vector<std::string> columns_;
};

class GeneratedSource final : public Source {
 public:
  GeneratedSource(const Job& job, const Split& split)
      : maker_(job.data().generated_ratings()),
        parser_(job, ColumnNames(), "data.generated_ratings"),
        first_row_(split.first_row()) {
    const int64_t available = std::max<int64_t>(0, job.data().generated_ratings().n_rows() - first_row_);
    n_rows_ = split.n_rows() == 0 ? available : std::min(available, split.n_rows());
  }

  int64_t Scan(const Wanted& wanted, const Sink& sink) override {
    std::vector<std::string_view> columns;
    for (int64_t block = 0; block * kBlockRows < n_rows_; ++block) {
      if (!wanted(block)) continue;
      Rows rows = parser_.EmptyRows();
      std::vector<BadLine> bad;
      const int64_t end = std::min((block + 1) * kBlockRows, n_rows_);
      for (int64_t row = block * kBlockRows; row < end; ++row) {
        const std::vector<std::string>& texts = maker_.Row(first_row_ + row);
        columns.assign(texts.begin(), texts.end());
        if (std::optional<std::string> wrong = parser_.Parse(columns, &rows)) {
          bad.push_back({row, "data.generated_ratings: row " + std::to_string(row) + ": " + *wrong});
        }
      }
      if (!sink(block, rows, bad)) return end;
    }
    return n_rows_;
  }

 private:
  RatingsMaker maker_;
  RowParser parser_;
  int64_t first_row_;
  int64_t n_rows_;
};

void WriteLine(const std::vector<std::string>& columns, std::ostream& out) {
  for (size_t c = 0; c < columns.size(); ++c) out << (c > 0 ? "\t" : "") << columns[c];
  out << "\n";
}

}  // namespace

std::unique_ptr<Source> MakeGeneratedRatings(const Job& job, const Split& split) {
  return std::make_unique<GeneratedSource>(job, split);
}

void WriteGeneratedRatings(const GeneratedRatings& config, std::ostream& out) {
  WriteLine(ColumnNames(), out);
  RatingsMaker maker(config);
  for (int64_t i = 0; i < config.n_rows() && out; ++i) WriteLine(maker.Row(i), out);
}

}  // namespace zhiyin::worker
