// A search engine with known probabilities, as world.proto says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/world.pb.h"
#include "launch/apps/generate/world_parts.h"

namespace zhiyin::launch::apps {

/// With a query q, a document d, a user u, everything about them N(0, 1) unless said otherwise, and
/// the position p from 0 on the page:
///
///   relevance = 1.5 if their topics agree, + 1 if their intents do, - 1,
///               + 0.6 quality(d) + 0.5 site(d) + 0.6 interest(u, topic(d))
///   p_click   = sigmoid(-1.6 + relevance - 0.35 p)
///   p_found   = sigmoid(-0.4 + 0.8 relevance + 0.5 depth(d))
///
/// The older engine orders ten documents, half of them of the query's topic, by relevance + 1.5
/// noise without the user. A pure function of the configuration. Immutable; any number of threads.
class SearchWorld {
 public:
  /// REQUIRES: a configuration from WithDefaults.
  explicit SearchWorld(const Search& config);

  /// Throws Error for values that make no sense.
  static Search WithDefaults(Search config);

  static constexpr int kPageLength = 10;

  struct Shown {
    int document = 0;
    double p_click = 0;
    double p_found = 0;
    bool click = false;
    bool satisfied = false;
  };
  struct Page {
    int user = 0;
    int query = 0;
    double time = 0;
    std::vector<Shown> shown;  // by position
  };
  Page PageOf(int64_t number) const;
  double test_time() const { return config_.n_days() - config_.n_new_days(); }

  std::vector<WorldFile> files() const;

 private:
  static constexpr int kTopics = 8;
  static constexpr int kIntents = 4;

  struct User {
    std::string name;
    int region = 0;
    double interest[kTopics];
  };
  struct Query {
    std::string name;
    int topic = 0;
    int intent = 0;
  };
  struct Document {
    std::string name;
    int topic = 0;
    int intent = 0;
    int site = 0;
    double quality = 0;
    double depth = 0;
    std::string words;
  };

  double RelevanceToAll(const Query& query, const Document& document) const;
  int DrawDocument(const Query& query, double time, uint64_t draw) const;

  Search config_;
  std::vector<User> users_;
  std::vector<Query> queries_;
  std::vector<Document> documents_;
  std::vector<std::vector<int>> old_by_topic_;
  std::vector<double> sites_;
};

}  // namespace zhiyin::launch::apps
