// Interactions and readers of sequences against their plain twins: the equations of the papers,
// loop by loop in double precision.
#include <gtest/gtest.h>

#include "tests/support/example_jobs.h"
#include "tests/support/plain_layers.h"
#include "worker/model/interaction/interaction.h"
#include "worker/model/sequence/sequence_reader.h"

namespace zhiyin::worker::model {
namespace {

using testing::Dot;
using testing::PlainLayer;
using testing::PlainMatrix;
using testing::PlainSoftmax;
using testing::Taker;
using testing::Values;

constexpr int kDim = 4;
constexpr int kLength = 3;
constexpr Eigen::Index kReferenceRows = 2 * (kLength + 1);

/// Outputs of the first interaction or reader of a job, and the input that gave them.
struct Example {
  explicit Example(const std::string& model_text, int sequence_length)
      : job(testing::ExampleJob("shared_bottom { bottom: 2 } " + model_text, kDim,
                                sequence_length)),
        layout(InputLayout::Of(job)) {
    int64_t n_weights = 0;
    const std::unique_ptr<nn::ColumnLayer> layer =
        sequence_length == 0 ? MakeInteraction(job.model().interaction(0), layout, &n_weights)
                             : MakeSequenceReader(job.model().sequence(0), layout, &n_weights);
    Random random(6);
    weights.resize(static_cast<size_t>(n_weights));
    for (float& w : weights) w = static_cast<float>(0.5 * random.Normal());
    x.resize(kReferenceRows, layout.dim);
    for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(random.Normal());
    if (sequence_length > 0) {
      for (Eigen::Index i = 0; i < kReferenceRows; ++i)
        x(i, layout.FieldNamed("item_tags").count_column()) = static_cast<float>(i % (kLength + 1));
    }
    y.resize(kReferenceRows, layer->out());
    layer->Forward(weights, x, nn::Pass(), y);
  }

  Values Row(Eigen::Index i) const { return {x.row(i).data(), x.row(i).data() + x.cols()}; }
  Values Vector(Eigen::Index i, int begin) const {
    return {x.row(i).data() + begin, x.row(i).data() + begin + kDim};
  }
  Values Field(Eigen::Index i, const char* name) const {
    return Vector(i, layout.FieldNamed(name).begin);
  }
  /// Row i's values of item_tags.
  std::vector<Values> Sequence(Eigen::Index i) const {
    std::vector<Values> values;
    for (int l = 0; l < i % (kLength + 1); ++l)
      values.push_back(Vector(i, layout.FieldNamed("item_tags").begin + l * kDim));
    return values;
  }
  void ExpectRow(Eigen::Index i, const Values& expected) const {
    ASSERT_EQ(static_cast<size_t>(y.cols()), expected.size());
    for (size_t k = 0; k < expected.size(); ++k) {
      EXPECT_NEAR(y(i, static_cast<Eigen::Index>(k)), expected[k],
                  1e-5 * std::max(1.0, std::abs(expected[k])))
          << "row " << i << ", column " << k;
    }
  }

  Job job;
  InputLayout layout;
  std::vector<float> weights;
  Matrix x;
  Matrix y;
};

TEST(CrossV2Reference, MultipliesTheInputByALayerOfTheLastCross) {
  Example run("interaction { cross_v2 { n_layers: 2 } }", 0);
  const size_t dim = static_cast<size_t>(run.layout.dim);
  Taker from(run.weights);
  const PlainLayer layers[] = {{dim, dim, &from}, {dim, dim, &from}};
  ASSERT_TRUE(from.AtEnd());
  for (Eigen::Index i = 0; i < kReferenceRows; ++i) {
    const Values x0 = run.Row(i);
    Values x = x0;
    for (const PlainLayer& layer : layers) {
      const Values u = layer(x, false);
      for (size_t k = 0; k < x.size(); ++k) x[k] += x0[k] * u[k];
    }
    run.ExpectRow(i, x);
  }
}

TEST(CrossMixReference, MixesLowRankExpertsByASoftmaxGate) {
  Example run("interaction { cross_mix { n_layers: 2 n_experts: 3 rank: 2 } }", 0);
  const size_t dim = static_cast<size_t>(run.layout.dim);
  Taker from(run.weights);
  std::vector<Values> x(kReferenceRows);
  for (Eigen::Index i = 0; i < kReferenceRows; ++i) x[static_cast<size_t>(i)] = run.Row(i);
  for (int l = 0; l < 2; ++l) {
    const PlainMatrix narrow(dim, 3 * 2 + 3, &from);  // V of all experts, then gates
    const PlainMatrix c[] = {{2, 2, &from}, {2, 2, &from}, {2, 2, &from}};
    const PlainMatrix u[] = {{2, dim, &from}, {2, dim, &from}, {2, dim, &from}};
    const Values b = from.Take(static_cast<size_t>(dim));
    for (Eigen::Index i = 0; i < kReferenceRows; ++i) {
      const Values x0 = run.Row(i);
      Values& x_l = x[static_cast<size_t>(i)];
      const Values z = narrow(x_l);
      const Values gate = PlainSoftmax({z[6], z[7], z[8]});
      for (size_t e = 0; e < 3; ++e) {
        Values h = c[e]({std::tanh(z[2 * e]), std::tanh(z[2 * e + 1])});
        for (double& v : h) v = std::tanh(v);
        const Values back = u[e](h);
        for (size_t k = 0; k < x_l.size(); ++k) x_l[k] += gate[e] * x0[k] * (back[k] + b[k]);
      }
    }
  }
  ASSERT_TRUE(from.AtEnd());
  for (Eigen::Index i = 0; i < kReferenceRows; ++i) run.ExpectRow(i, x[static_cast<size_t>(i)]);
}

void ExpectDin(bool softmax) {
  Example run(
      std::string(
          R"(sequence { field: "item_tags" din { query: "item_genre" hidden: [6, 5] softmax: )") +
          (softmax ? "true } }" : "false } }"),
      kLength);
  Taker from(run.weights);
  const PlainLayer first(4 * kDim, 6, &from), second(6, 5, &from), last(5, 1, &from);
  ASSERT_TRUE(from.AtEnd());
  for (Eigen::Index i = 0; i < kReferenceRows; ++i) {
    const Values q = run.Field(i, "item_genre");
    const std::vector<Values> sequence = run.Sequence(i);
    Values a;
    for (const Values& v : sequence) {
      Values pair = q;
      pair.insert(pair.end(), v.begin(), v.end());
      for (size_t k = 0; k < kDim; ++k) pair.push_back(q[k] - v[k]);
      for (size_t k = 0; k < kDim; ++k) pair.push_back(q[k] * v[k]);
      a.push_back(last(second(first(pair, true), true), false)[0]);
    }
    if (softmax) a = PlainSoftmax(a);
    Values y(kDim);
    for (size_t l = 0; l < a.size(); ++l) {
      for (size_t k = 0; k < kDim; ++k) y[k] += a[l] * sequence[l][k];
    }
    run.ExpectRow(i, y);
  }
}

TEST(DinReference, SumsTheValuesWeighedByTheActivationUnit) {
  ExpectDin(false);
}
TEST(DinReference, DividesTheWeightsByTheirSumIfTold) {
  ExpectDin(true);
}

Values PlainLayerNorm(const Values& x, const Values& g, const Values& b) {
  double mean = 0;
  double variance = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  Values y(x.size());
  for (size_t k = 0; k < x.size(); ++k)
    y[k] = g[k] * (x[k] - mean) / std::sqrt(variance + 1e-5) + b[k];
  return y;
}

/// Two heads of width 2, a hidden layer of 5.
struct PlainBlock {
  explicit PlainBlock(Taker* from)
      : qkv(kDim, 3 * kDim, from),
        out(kDim, kDim, from),
        g1(from->Take(kDim)),
        b1(from->Take(kDim)),
        widen(kDim, 5, from),
        narrow(5, kDim, from),
        g2(from->Take(kDim)),
        b2(from->Take(kDim)) {}

  std::vector<Values> operator()(const std::vector<Values>& tokens) const {
    const auto part = [&](size_t token, size_t which, size_t head) {
      const Values all = qkv(tokens[token]);
      const size_t begin = which * kDim + head * 2;
      return Values{all[begin], all[begin + 1]};
    };
    std::vector<Values> result;
    for (size_t i = 0; i < tokens.size(); ++i) {
      Values heads(kDim);
      for (size_t h = 0; h < 2; ++h) {
        Values scores;
        for (size_t j = 0; j < tokens.size(); ++j)
          scores.push_back(Dot(part(i, 0, h), part(j, 1, h)) / std::sqrt(2.0));
        const Values p = PlainSoftmax(scores);
        for (size_t j = 0; j < tokens.size(); ++j) {
          for (size_t k = 0; k < 2; ++k) heads[2 * h + k] += p[j] * part(j, 2, h)[k];
        }
      }
      Values s = out(heads);
      for (size_t k = 0; k < kDim; ++k) s[k] += tokens[i][k];
      s = PlainLayerNorm(s, g1, b1);
      Values hidden = widen(s, false);
      for (double& v : hidden) v = std::max(v, 0.01 * v);
      Values y = narrow(hidden, false);
      for (size_t k = 0; k < kDim; ++k) y[k] += s[k];
      result.push_back(PlainLayerNorm(y, g2, b2));
    }
    return result;
  }

  PlainMatrix qkv, out;
  Values g1, b1;
  PlainLayer widen, narrow;
  Values g2, b2;
};

void ExpectBst(const std::string& output) {
  Example run(
      R"(sequence { field: "item_tags" bst { query: "item_genre" n_blocks: 2 n_heads: 2 hidden: 5 output: )" +
          output + " } }",
      kLength);
  Taker from(run.weights);
  const PlainMatrix positions(kLength + 1, kDim, &from);
  const PlainBlock first(&from), second(&from);
  ASSERT_TRUE(from.AtEnd());
  for (Eigen::Index i = 0; i < kReferenceRows; ++i) {
    std::vector<Values> tokens = run.Sequence(i);
    if (tokens.empty()) {
      run.ExpectRow(i, Values(kDim));
      continue;
    }
    tokens.push_back(run.Field(i, "item_genre"));
    for (size_t token = 0; token < tokens.size(); ++token) {
      for (size_t k = 0; k < kDim; ++k)
        tokens[token][k] += positions.w[tokens.size() - 1 - token][k];
    }
    const std::vector<Values> last = second(first(tokens));
    Values mean(kDim);
    for (const Values& token : last) {
      for (size_t k = 0; k < kDim; ++k) mean[k] += token[k] / static_cast<double>(last.size());
    }
    run.ExpectRow(i, output == "MEAN" ? mean : last.back());
  }
}

TEST(BstReference, IsWhatTheTargetHasBecome) {
  ExpectBst("TARGET");
}
TEST(BstReference, IsTheMeanOfAllTokensIfTold) {
  ExpectBst("MEAN");
}

}  // namespace
}  // namespace zhiyin::worker::model
