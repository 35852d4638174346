// The synthetic data set `search` of world.proto: users of a search engine get pages of documents,
// click them, and are satisfied or not, with known probabilities.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "configs/world.pb.h"
#include "launch/apps/generate/world_parts.h"

namespace zhiyin::launch::apps {

/// The probabilities that user u, who gets document d at position p (from 0) of the page for query
/// q, clicks, and is satisfied after a click:
///
///   relevance = 1.5 [topic(q) = topic(d)] + [intent(q) = intent(d)] - 1
///               + 0.6 quality(d) + 0.5 site(d) + 0.6 interest(u, topic(d))
///   p_click   = sigmoid(-1.6 + relevance - 0.35 p)
///   p_found   = sigmoid(-0.4 + 0.8 relevance + 0.5 depth(d))
///
///   interest(u, k) = 0.8 a(region(u), k) + 0.6 b(u, k)
///
/// a, b, quality, site and depth are drawn from N(0, 1). The older engine draws ten documents, half
/// of them of the query's topic on average, and orders them by relevance without the interest of
/// the user, plus noise from N(0, 1.5^2).
///
/// A pure function of the configuration. Immutable: used by any number of threads at once.
class SearchWorld {
 public:
  /// REQUIRES: a configuration that WithDefaults returned.
  explicit SearchWorld(const Search& config);

  /// Returns the configuration with defaults in place of fields that are not set. Throws Error,
  /// naming the field, on a value outside its range.
  static Search WithDefaults(Search config);

  static constexpr int kPageLength = 10;

  struct Shown {
    int document = 0;
    double p_click = 0;
    double p_found = 0;  // of being satisfied, given a click
    bool click = false;
    bool satisfied = false;
  };
  struct Page {
    int user = 0;
    int query = 0;
    double time = 0;           // in days
    std::vector<Shown> shown;  // by position
  };
  /// Draws page `number`, from 0 to n_pages - 1.
  Page PageOf(int64_t number) const;
  /// The time in days from which on pages are meant for the test split.
  double test_time() const { return config_.n_days() - config_.n_new_days(); }

  /// The files users, queries, items, events and truth. Their tables borrow this object.
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
    std::array<std::string_view, 3> words;
  };

  /// The relevance without the interest of a user.
  double RelevanceToAll(const Query& query, const Document& document) const;
  /// Draws a document for a page; equal arguments give equal documents.
  int DrawDocument(const Query& query, double time, uint64_t draw) const;
  void WriteDocuments(worker::data::TableWriter* out) const;
  void WriteEvents(worker::data::TableWriter* out) const;
  void WriteTruth(worker::data::TableWriter* out) const;

  Search config_;
  std::vector<User> users_;
  std::vector<Query> queries_;
  std::vector<Document> documents_;
  std::vector<std::vector<int>> old_by_topic_;
  std::vector<double> sites_;
};

}  // namespace zhiyin::launch::apps
