#include "launch/apps/generate/search_world.h"

#include <algorithm>
#include <array>

#include "common/random.h"
#include "common/text.h"

namespace zhiyin::launch::apps {

using worker::data::ColumnKind;
using worker::data::DataTable;
using worker::data::TableWriter;
using worker::data::Value;

namespace {

// Streams that no page has.
constexpr uint64_t kUserDraws = 1;
constexpr uint64_t kQueries = 2;
constexpr uint64_t kDocuments = 3;
constexpr uint64_t kSites = 4;
constexpr uint64_t kRegionsOf = 5;

constexpr int kSiteNames = 30;
constexpr std::array<std::string_view, 8> kTopicNames = {
    "travel", "cooking", "garden", "music", "law", "health", "physics", "football"};
constexpr std::array<std::string_view, 4> kIntentNames = {"guide", "news", "shop", "forum"};
constexpr std::array<std::array<std::string_view, 4>, 8> kWords = {
    {{"train", "island", "visa", "hotel"},
     {"bread", "soup", "knife", "spice"},
     {"rose", "soil", "hedge", "frost"},
     {"chord", "opera", "vinyl", "tempo"},
     {"rent", "patent", "court", "tax"},
     {"sleep", "fever", "diet", "knee"},
     {"quark", "laser", "orbit", "heat"},
     {"goal", "coach", "league", "cup"}}};

}  // namespace

Search SearchWorld::WithDefaults(Search config) {
  FillDefault(&config, "n_users", 1000, int64_t{10'000'000});
  FillDefault(&config, "n_queries", 200, int64_t{10'000'000});
  FillDefault(&config, "n_documents", 500, int64_t{10'000'000}, 100);
  FillDefault(&config, "n_new_documents", 40, int64_t{10'000'000}, 0);
  FillDefault(&config, "n_pages", 60'000, int64_t{1} << 40);
  FillDefault(&config, "n_days", 30, 100'000);
  FillDefault(&config, "n_new_days", 2, config.n_days() - 1);
  return config;
}

SearchWorld::SearchWorld(const Search& config) : config_(config), old_by_topic_(kTopics) {
  for (int s = 0; s < kSiteNames; ++s)
    sites_.push_back(Random(config_.seed(), static_cast<uint64_t>(s), kSites).Normal());
  for (int64_t u = 0; u < config_.n_users(); ++u) {
    Random random(config_.seed(), static_cast<uint64_t>(u), kUserDraws);
    User& user = users_.emplace_back();
    user.name = UserName(u);
    user.region = static_cast<int>(random.Below(kRegionNames.size()));
    for (int k = 0; k < kTopics; ++k) {
      const double of_region = Random(config_.seed(), static_cast<uint64_t>(user.region),
                                      kRegionsOf, static_cast<uint64_t>(k))
                                   .Normal();
      user.interest[k] = 0.8 * of_region + 0.6 * random.Normal();
    }
  }
  const auto word = [](int topic, Random* random) {
    return kWords[static_cast<size_t>(topic)][random->Below(4)];
  };
  for (int64_t q = 0; q < config_.n_queries(); ++q) {
    Random random(config_.seed(), static_cast<uint64_t>(q), kQueries);
    Query& query = queries_.emplace_back();
    query.topic = static_cast<int>(random.Below(kTopics));
    query.intent = static_cast<int>(random.Below(kIntents));
    query.name = TextOf(word(query.topic, &random), "-",
                        kIntentNames[static_cast<size_t>(query.intent)], "-", q);
  }
  for (int64_t d = 0; d < config_.n_documents() + config_.n_new_documents(); ++d) {
    Random random(config_.seed(), static_cast<uint64_t>(d), kDocuments);
    Document& document = documents_.emplace_back();
    document.topic = static_cast<int>(d % kTopics);  // each has some
    document.intent = static_cast<int>(random.Below(kIntents));
    document.site = static_cast<int>(random.Below(kSiteNames));
    document.quality = random.Normal();
    document.depth = random.Normal();
    for (size_t w = 0; w < 2; ++w) document.words[w] = word(document.topic, &random);
    document.words[2] = kTopicNames[static_cast<size_t>(document.topic)];
    document.name = TextOf("site-", document.site, "/", document.words[0], "-",
                           kIntentNames[static_cast<size_t>(document.intent)], "-", d);
    if (d < config_.n_documents())
      old_by_topic_[static_cast<size_t>(document.topic)].push_back(static_cast<int>(d));
  }
}

double SearchWorld::RelevanceToAll(const Query& query, const Document& document) const {
  return (query.topic == document.topic ? 1.5 : 0) + (query.intent == document.intent ? 1.0 : 0) -
         1 + 0.6 * document.quality + 0.5 * sites_[static_cast<size_t>(document.site)];
}

int SearchWorld::DrawDocument(const Query& query, double time, uint64_t draw) const {
  Random random(config_.seed(), draw, kDocuments, kQueries);
  const uint64_t n_old = static_cast<uint64_t>(config_.n_documents());
  const uint64_t n_new = static_cast<uint64_t>(config_.n_new_documents());
  if (time >= test_time() && random.Below(n_old + n_new) < n_new)
    return static_cast<int>(n_old + random.Below(n_new));
  const auto& of_topic = old_by_topic_[static_cast<size_t>(query.topic)];
  if (random.Uniform() < 0.5) return of_topic[random.Below(of_topic.size())];
  return static_cast<int>(random.Below(n_old));
}

SearchWorld::Page SearchWorld::PageOf(int64_t number) const {
  Random random(config_.seed(), static_cast<uint64_t>(number));
  Page page;
  page.user = static_cast<int>(random.Below(users_.size()));
  page.query = static_cast<int>(random.Below(queries_.size()));
  page.time = Rounded(static_cast<double>(config_.n_days()) * static_cast<double>(number) /
                      static_cast<double>(config_.n_pages()));
  const User& user = users_[static_cast<size_t>(page.user)];
  const Query& query = queries_[static_cast<size_t>(page.query)];
  std::vector<std::pair<double, int>> ordered;
  for (uint64_t draw = 0; ordered.size() < kPageLength; ++draw) {
    const int document =
        DrawDocument(query, page.time, static_cast<uint64_t>(number) * 1000 + draw);
    if (std::any_of(ordered.begin(), ordered.end(),
                    [&](const auto& one) { return one.second == document; }))
      continue;
    ordered.emplace_back(
        -RelevanceToAll(query, documents_[static_cast<size_t>(document)]) - 1.5 * random.Normal(),
        document);
  }
  std::sort(ordered.begin(), ordered.end());
  for (int p = 0; p < kPageLength; ++p) {
    Shown& shown = page.shown.emplace_back();
    shown.document = ordered[static_cast<size_t>(p)].second;
    const Document& document = documents_[static_cast<size_t>(shown.document)];
    const double relevance = RelevanceToAll(query, document) + 0.6 * user.interest[document.topic];
    shown.p_click = Sigmoid(-1.6 + relevance - 0.35 * p);
    shown.p_found = Sigmoid(-0.4 + 0.8 * relevance + 0.5 * document.depth);
    shown.click = random.Uniform() < shown.p_click;
    shown.satisfied = random.Uniform() < shown.p_found && shown.click;
  }
  return page;
}

std::vector<WorldFile> SearchWorld::files() const {
  const DataTable users = {
      {{"user"}, {"region"}}, [this](TableWriter* out) {
        for (const User& user : users_)
          out->Row({user.name, kRegionNames[static_cast<size_t>(user.region)]});
      }};
  const DataTable queries = {
      {{"query"}, {"topic"}, {"intent"}}, [this](TableWriter* out) {
        for (const Query& query : queries_)
          out->Row({query.name, kTopicNames[static_cast<size_t>(query.topic)],
                    kIntentNames[static_cast<size_t>(query.intent)]});
      }};
  const DataTable documents = {{{"document"},
                                {"about"},
                                {"kind"},
                                {"site"},
                                {"words", ColumnKind::kCategories},
                                {"first_day", ColumnKind::kInteger}},
                               [this](TableWriter* out) { WriteDocuments(out); }};
  const DataTable events = {{{"user"},
                             {"query"},
                             {"document"},
                             {"position", ColumnKind::kInteger},
                             {"time", ColumnKind::kNumber},
                             {"click", ColumnKind::kInteger, true},
                             {"satisfied", ColumnKind::kInteger, true},
                             {"found", ColumnKind::kInteger, true}},
                            [this](TableWriter* out) { WriteEvents(out); }};
  const DataTable truth = {{{"p_click", ColumnKind::kNumber},
                            {"p_found", ColumnKind::kNumber},
                            {"p_satisfied", ColumnKind::kNumber}},
                           [this](TableWriter* out) { WriteTruth(out); }};
  return {{"users", users},
          {"queries", queries},
          {"items", documents},
          {"events", events},
          {"truth", truth}};
}

void SearchWorld::WriteDocuments(TableWriter* out) const {
  for (size_t d = 0; d < documents_.size(); ++d) {
    const Document& one = documents_[d];
    const bool is_new = static_cast<int64_t>(d) >= config_.n_documents();
    out->Row({one.name, kTopicNames[static_cast<size_t>(one.topic)],
              kIntentNames[static_cast<size_t>(one.intent)], "site-" + std::to_string(one.site),
              Value::List(one.words),
              std::to_string(is_new ? config_.n_days() - config_.n_new_days() : 0)});
  }
}

void SearchWorld::WriteEvents(TableWriter* out) const {
  for (int64_t number = 0; number < config_.n_pages(); ++number) {
    const Page page = PageOf(number);
    const std::string time = Fixed(page.time, 5);
    for (size_t p = 0; p < page.shown.size(); ++p) {
      const Shown& shown = page.shown[p];
      out->Row({users_[static_cast<size_t>(page.user)].name,
                queries_[static_cast<size_t>(page.query)].name,
                documents_[static_cast<size_t>(shown.document)].name, std::to_string(p), time,
                Bit(shown.click), Bit(shown.satisfied),
                shown.click ? Value(Bit(shown.satisfied)) : Value()});
    }
  }
}

void SearchWorld::WriteTruth(TableWriter* out) const {
  for (int64_t number = 0; number < config_.n_pages(); ++number) {
    for (const Shown& shown : PageOf(number).shown)
      out->Row({Fixed(shown.p_click, 7), Fixed(shown.p_found, 7),
                Fixed(shown.p_click * shown.p_found, 7)});
  }
}

}  // namespace zhiyin::launch::apps
