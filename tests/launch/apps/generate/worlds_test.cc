// The worlds of `zhiyin generate shop` and `search`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <sstream>
#include <string>

#include "common/error.h"
#include "common/file.h"
#include "launch/apps/generate/generate.h"
#include "launch/apps/generate/search_world.h"
#include "launch/apps/generate/shop_world.h"
#include "tests/support/files.h"
#include "worker/data/writer/table_format.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string TextOf(const std::vector<WorldFile>& files, const std::string& name) {
  for (const WorldFile& file : files) {
    if (file.name != name) continue;
    std::ostringstream out;
    WriteTable(file.table, worker::data::kTsvTable, &out);
    return out.str();
  }
  return "";
}

Shop SmallShop() {
  Shop config;
  config.set_n_users(50);
  config.set_n_items(40);
  config.set_n_new_items(10);
  config.set_n_events(20'000);
  config.set_seed(3);
  return ShopWorld::WithDefaults(config);
}

TEST(ShopWorld, HappensAsOftenAsItsProbabilitiesSay) {
  const ShopWorld world(SmallShop());
  double clicks = 0, expected_clicks = 0, variance = 0;
  double purchases = 0, expected_purchases = 0, purchase_variance = 0;
  for (int64_t row = 0; row < 20'000; ++row) {
    const ShopWorld::Event event = world.EventOf(row);
    EXPECT_EQ(event.p_click, world.ClickProbability(event.user, event.item, event.time));
    clicks += event.click;
    expected_clicks += event.p_click;
    variance += event.p_click * (1 - event.p_click);
    const double p = event.p_click * event.p_conversion;
    purchases += event.purchase;
    expected_purchases += p;
    purchase_variance += p * (1 - p);
    EXPECT_LE(event.purchase, event.click);
  }
  EXPECT_NEAR(clicks, expected_clicks, 4 * std::sqrt(variance));
  EXPECT_NEAR(purchases, expected_purchases, 4 * std::sqrt(purchase_variance));
  EXPECT_GT(clicks, 1000);
  EXPECT_LT(clicks, 6000);
}

TEST(ShopWorld, NewItemsComeInTheLastDaysOnly) {
  const ShopWorld world(SmallShop());
  std::set<int> seen;
  double before = -1;
  for (int64_t row = 0; row < 20'000; ++row) {
    const ShopWorld::Event event = world.EventOf(row);
    EXPECT_GE(event.time, before);
    before = event.time;
    if (!world.IsNew(event.item)) continue;
    EXPECT_GE(event.time, world.test_time());
    seen.insert(event.item);
  }
  EXPECT_EQ(seen.size(), 10u);
}

TEST(ShopWorld, IsTheSameEveryTimeAndAnotherForAnotherSeed) {
  const ShopWorld world(SmallShop());
  const std::string events = TextOf(world.files(), "events");
  EXPECT_TRUE(events == TextOf(ShopWorld(SmallShop()).files(), "events"));
  Shop other = SmallShop();
  other.set_seed(4);
  EXPECT_FALSE(events == TextOf(ShopWorld(other).files(), "events"));
  EXPECT_EQ(std::count(events.begin(), events.end(), '\n'), 20'001);
  const std::string truth = TextOf(world.files(), "truth");
  EXPECT_EQ(std::count(truth.begin(), truth.end(), '\n'), 20'001);
}

TEST(SearchWorld, HappensAsOftenAsItsProbabilitiesSay) {
  Search config;
  config.set_n_pages(3000);
  config = SearchWorld::WithDefaults(config);
  const SearchWorld world(config);
  double clicks = 0, expected = 0, variance = 0, first = 0, last = 0;
  for (int64_t number = 0; number < 3000; ++number) {
    const SearchWorld::Page page = world.PageOf(number);
    ASSERT_EQ(page.shown.size(), 10u);
    std::set<int> different;
    for (const SearchWorld::Shown& shown : page.shown) {
      different.insert(shown.document);
      clicks += shown.click;
      expected += shown.p_click;
      variance += shown.p_click * (1 - shown.p_click);
      EXPECT_LE(shown.satisfied, shown.click);
    }
    EXPECT_EQ(different.size(), 10u);
    first += page.shown.front().click;
    last += page.shown.back().click;
  }
  EXPECT_NEAR(clicks, expected, 4 * std::sqrt(variance));
  EXPECT_GT(first, 3 * last) << "what stands further up is clicked more often";
}

TEST(GenerateWorld, WritesItsFilesOrSaysWhatIsWrong) {
  const testing::TempFolder folder;
  std::string said;
  const auto generate = [&](const std::string& world, std::vector<std::string> settings,
                            bool overwrite = false) {
    GenerateWorld({world, std::move(settings), folder.Path("new/out"), "tsv", overwrite,
                   [&](const std::string& text) { said += text; }});
  };
  generate("shop", {"n_users=20", "n_events=1000"});
  EXPECT_THAT(said, HasSubstr("20 users, 300 items and 150 new ones, 1000 events"));
  EXPECT_THAT(ReadWholeFile(folder.Path("new/out/events.tsv"), 1 << 20),
              HasSubstr("user\titem\ttime\tclick\tpurchase\tconversion\n"));
  EXPECT_THAT([&] { generate("shop", {"n_events=1000"}); },
              ThrowsMessage<Error>(HasSubstr("--overwrite")));
  EXPECT_THAT([&] { generate("shop", {"n_user=1000"}, true); },
              ThrowsMessage<Error>(HasSubstr("no field \"n_user\"; the nearest is \"n_users\"")));
  EXPECT_THAT([&] { generate("shop", {"n_users=many"}, true); },
              ThrowsMessage<Error>(
                  HasSubstr("n_users=many: n_users: found \"many\", expected an integer")));
  EXPECT_THAT([&] { generate("shop", {"n_users=0"}, true); },
              ThrowsMessage<Error>(HasSubstr("n_users is 0, expected 1 to")));
  EXPECT_THAT([&] { generate("shop", {"drift=-1"}, true); },
              ThrowsMessage<Error>(HasSubstr("drift is -1")));
  EXPECT_THAT([&] { generate("feed", {}, true); },
              ThrowsMessage<Error>(HasSubstr("generate feed: expected shop or search")));
  generate("search", {"n_pages=100"}, true);
  EXPECT_THAT(ReadWholeFile(folder.Path("new/out/events.tsv"), 1 << 20),
              HasSubstr("user\tquery\tdocument\tposition"));
}

}  // namespace
}  // namespace zhiyin::launch::apps
