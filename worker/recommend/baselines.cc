#include "worker/recommend/baselines.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "common/random.h"

namespace zhiyin::worker::recommend {
namespace {

/// The distinct items of each user, ascending, and the distinct users of each item.
std::vector<std::vector<int>> ItemsOfUsers(const data::Behaviour& behaviour) {
  std::vector<std::vector<int>> items(static_cast<size_t>(behaviour.n_users()));
  for (size_t u = 0; u < items.size(); ++u) {
    const std::span<const int> events = behaviour.events(static_cast<int>(u));
    items[u].assign(events.begin(), events.end());
    std::sort(items[u].begin(), items[u].end());
    items[u].erase(std::unique(items[u].begin(), items[u].end()), items[u].end());
  }
  return items;
}

std::vector<std::vector<int>> Transposed(const std::vector<std::vector<int>>& lists, int n) {
  std::vector<std::vector<int>> transposed(static_cast<size_t>(n));
  for (size_t i = 0; i < lists.size(); ++i) {
    for (const int j : lists[i]) transposed[static_cast<size_t>(j)].push_back(static_cast<int>(i));
  }
  return transposed;
}

class MostPopular final : public Baseline {
 public:
  explicit MostPopular(const data::Behaviour& behaviour) {
    for (int i = 0; i < behaviour.n_items(); ++i)
      counts_.push_back(static_cast<float>(behaviour.count(i)));
  }
  std::string name() const override { return "most popular"; }
  void Score(int, std::span<float> scores) const override {
    std::copy(counts_.begin(), counts_.end(), scores.begin());
  }

 private:
  std::vector<float> counts_;
};

class ContentOnly final : public Baseline {
 public:
  explicit ContentOnly(const data::Behaviour& behaviour)
      : items_(ItemsOfUsers(behaviour)), terms_(static_cast<size_t>(behaviour.n_items())) {
    const data::JoinedFile& content = *behaviour.item_content();
    std::unordered_map<std::string, int> numbers;
    std::vector<data::Value> values;
    for (int i = 0; i < behaviour.n_items(); ++i) {
      values.clear();
      content.Append(content.Find(behaviour.item(i)), &values);
      std::set<int> own;
      const auto add = [&](size_t column, std::string_view value) {
        if (value.empty()) return;
        own.insert(numbers
                       .emplace(std::to_string(column) + "=" + std::string(value),
                                static_cast<int>(numbers.size()))
                       .first->second);
      };
      for (size_t c = 0; c < values.size(); ++c) {
        if (values[c].kind() == data::Value::Kind::kList) {
          data::ListTexts texts(values[c]);
          for (std::string_view value; texts.Next(&value);) add(c, value);
          continue;
        }
        for (std::string_view rest = values[c].text(); !rest.empty();) {
          const std::string_view value = rest.substr(0, rest.find('|'));
          rest.remove_prefix(std::min(value.size() + 1, rest.size()));
          add(c, value);
        }
      }
      for (const int term : own) terms_[static_cast<size_t>(i)].emplace_back(term, 1.0f);
    }
    weights_.resize(numbers.size());
    for (const auto& own : terms_) {
      for (const auto& [term, weight] : own) weights_[static_cast<size_t>(term)] += 1;
    }
    for (float& weight : weights_)
      weight = static_cast<float>(std::log(static_cast<double>(terms_.size()) / weight));
    for (auto& own : terms_) {
      float square = 0;
      for (auto& [term, weight] : own) {
        weight = weights_[static_cast<size_t>(term)];
        square += weight * weight;
      }
      for (auto& [term, weight] : own) weight /= std::max(std::sqrt(square), 1e-12f);
    }
  }
  std::string name() const override { return "content only"; }
  void Score(int user, std::span<float> scores) const override {
    std::vector<float> profile(weights_.size());
    for (const int item : items_[static_cast<size_t>(user)]) {
      for (const auto& [term, weight] : terms_[static_cast<size_t>(item)])
        profile[static_cast<size_t>(term)] += weight;
    }
    // The length of the profile is a common factor of all scores, and left out.
    for (size_t i = 0; i < terms_.size(); ++i) {
      scores[i] = 0;
      for (const auto& [term, weight] : terms_[i])
        scores[i] += weight * profile[static_cast<size_t>(term)];
    }
  }

 private:
  std::vector<std::vector<int>> items_;                    // by user
  std::vector<std::vector<std::pair<int, float>>> terms_;  // by item: a vector of length 1
  std::vector<float> weights_;                             // by term
};

class ItemNeighbours final : public Baseline {
 public:
  ItemNeighbours(const data::Behaviour& behaviour, int n_neighbours)
      : n_neighbours_(n_neighbours),
        items_(ItemsOfUsers(behaviour)),
        readers_(static_cast<size_t>(behaviour.n_items())) {
    const std::vector<std::vector<int>> users = Transposed(items_, behaviour.n_items());
    std::vector<int> together(users.size());
    std::vector<int> met;
    for (size_t i = 0; i < users.size(); ++i) {
      met.clear();
      for (const int u : users[i]) {
        for (const int j : items_[static_cast<size_t>(u)]) {
          if (j != static_cast<int>(i) && together[static_cast<size_t>(j)]++ == 0) met.push_back(j);
        }
      }
      std::vector<std::pair<float, int>> near;
      for (const int j : met) {
        const double norms = static_cast<double>(users[i].size()) *
                             static_cast<double>(users[static_cast<size_t>(j)].size());
        near.emplace_back(static_cast<float>(std::exchange(together[static_cast<size_t>(j)], 0) /
                                             std::sqrt(norms)),
                          j);
      }
      std::sort(near.begin(), near.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
      });
      near.resize(std::min(near.size(), static_cast<size_t>(n_neighbours)));
      for (const auto& [cosine, j] : near)
        readers_[static_cast<size_t>(j)].emplace_back(static_cast<int>(i), cosine);
    }
  }
  std::string name() const override {
    return "item-item, " + std::to_string(n_neighbours_) + " nearest";
  }
  void Score(int user, std::span<float> scores) const override {
    std::fill(scores.begin(), scores.end(), 0.0f);
    for (const int j : items_[static_cast<size_t>(user)]) {
      for (const auto& [i, cosine] : readers_[static_cast<size_t>(j)])
        scores[static_cast<size_t>(i)] += cosine;
    }
  }

 private:
  int n_neighbours_;
  std::vector<std::vector<int>> items_;  // [users]
  std::vector<std::vector<std::pair<int, float>>>
      readers_;  // [n_items]: the items that have it as a neighbour, and the cosine
};

class ImplicitFactorization final : public Baseline {
 public:
  ImplicitFactorization(const data::Behaviour& behaviour, int dim, double alpha, double lambda,
                        int n_rounds)
      : users_(Matrix::Zero(behaviour.n_users(), dim)), items_(behaviour.n_items(), dim) {
    Random random(1);
    for (float& w : std::span(items_.data(), static_cast<size_t>(items_.size())))
      w = static_cast<float>(0.1 * random.Normal());
    const std::vector<std::vector<int>> items_of = ItemsOfUsers(behaviour);
    const std::vector<std::vector<int>> users_of = Transposed(items_of, behaviour.n_items());
    for (int round = 0; round < n_rounds; ++round) {
      Solve(items_of, items_, alpha, lambda, &users_);
      Solve(users_of, users_, alpha, lambda, &items_);
    }
  }
  std::string name() const override { return "matrix factorisation"; }
  void Score(int user, std::span<float> scores) const override {
    Eigen::Map<Eigen::VectorXf>(scores.data(), items_.rows()).noalias() =
        items_ * users_.row(user).transpose();
  }

 private:
  /// Updates one side with the other side F fixed (equation 4 of the paper): row r of *to becomes
  /// (F'F + alpha sum f f' + lambda I)^-1 (1 + alpha) sum f, with sums over the rows f of F that r
  /// has an event with.
  static void Solve(const std::vector<std::vector<int>>& met, const Matrix& from, double alpha,
                    double lambda, Matrix* to) {
    Eigen::MatrixXf base = from.transpose() * from;
    base.diagonal().array() += static_cast<float>(lambda);
    for (size_t r = 0; r < met.size(); ++r) {
      Eigen::MatrixXf a = base;
      Eigen::VectorXf b = Eigen::VectorXf::Zero(from.cols());
      for (const int j : met[r]) {
        a.selfadjointView<Eigen::Lower>().rankUpdate(from.row(j).transpose(),
                                                     static_cast<float>(alpha));
        b += static_cast<float>(1 + alpha) * from.row(j).transpose();
      }
      to->row(static_cast<Eigen::Index>(r)) =
          a.selfadjointView<Eigen::Lower>().llt().solve(b).transpose();
    }
  }

  Matrix users_;  // [users, dim]
  Matrix items_;  // [items, dim]
};

}  // namespace

std::unique_ptr<Baseline> MakeMostPopular(const data::Behaviour& behaviour) {
  return std::make_unique<MostPopular>(behaviour);
}

std::unique_ptr<Baseline> MakeContentOnly(const data::Behaviour& behaviour) {
  if (behaviour.item_content() == nullptr) return nullptr;
  return std::make_unique<ContentOnly>(behaviour);
}

std::unique_ptr<Baseline> MakeItemNeighbours(const data::Behaviour& behaviour, int n_neighbours) {
  return std::make_unique<ItemNeighbours>(behaviour, n_neighbours);
}

std::unique_ptr<Baseline> MakeImplicitFactorization(const data::Behaviour& behaviour, int dim,
                                                    double alpha, double lambda, int n_rounds) {
  return std::make_unique<ImplicitFactorization>(behaviour, dim, alpha, lambda, n_rounds);
}

std::vector<int> BestItems(const Baseline& baseline, int user, int k,
                           const std::vector<bool>& excluded, std::span<float> scores) {
  baseline.Score(user, scores);
  std::vector<int> best;
  for (size_t i = 0; i < excluded.size(); ++i) {
    if (!excluded[i]) best.push_back(static_cast<int>(i));
  }
  const size_t n = std::min(best.size(), static_cast<size_t>(k));
  std::partial_sort(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(n), best.end(),
                    [&](int a, int b) {
                      const float score_a = scores[static_cast<size_t>(a)];
                      const float score_b = scores[static_cast<size_t>(b)];
                      return score_a != score_b ? score_a > score_b : a < b;
                    });
  best.resize(n);
  return best;
}

}  // namespace zhiyin::worker::recommend
