#include "models/importance.h"
#include "models/linear_model.h"
#include "models/testdata.h"

#include <gtest/gtest.h>

namespace martlet::models {
namespace {

// LightGBM 4.7.0: Booster(model_file).feature_importance("gain") and ("split").
TEST(Importance, gains_and_splits_equal_lightgbms) {
  const auto importance = importance_of("lightgbm", testdata::read_text("categories.model.txt"));
  ASSERT_TRUE(importance.has_value()) << importance.error().message();
  ASSERT_EQ(importance->size(), 3u);
  EXPECT_EQ((*importance)[0].feature, "Column_0");
  EXPECT_NEAR((*importance)[0].weight, 1205.1265631914139, 1e-9 * 1205.1265631914139);
  EXPECT_EQ((*importance)[0].splits, 26);
  EXPECT_EQ((*importance)[1].feature, "Column_1");
  EXPECT_NEAR((*importance)[1].weight, 218.4807095527649, 1e-9 * 218.4807095527649);
  EXPECT_EQ((*importance)[1].splits, 15);
  EXPECT_EQ((*importance)[2].feature, "Column_2");
  EXPECT_NEAR((*importance)[2].weight, 170.0168342590332, 1e-9 * 170.0168342590332);
  EXPECT_EQ((*importance)[2].splits, 91);
}

TEST(Importance, of_a_linear_model_is_the_size_of_its_coefficients) {
  std::vector<LinearColumn> columns(3);
  columns[0].name = "a";
  columns[0].coefficient = -2;
  columns[1].name = "b";
  columns[1].coefficient = 1;
  columns[2].name = "c";
  columns[2].category_coefficients = {0.5, -3};
  const LinearModel model(LinearKind::Ridge, 0, columns);
  const auto importance = importance_of("ridge", model.to_bytes());
  ASSERT_TRUE(importance.has_value());
  EXPECT_EQ((*importance)[0].feature, "c");
  EXPECT_EQ((*importance)[0].weight, 3);
  EXPECT_EQ((*importance)[1].feature, "a");
  EXPECT_EQ((*importance)[2].weight, 1);
}

TEST(Importance, of_an_unknown_flavour_or_a_damaged_file_is_refused) {
  EXPECT_EQ(importance_of("astrology", "").error().code(), ErrorCode::InvalidArgument);
  EXPECT_EQ(importance_of("lightgbm", "tree").error().code(), ErrorCode::Corrupt);
  EXPECT_EQ(importance_of("logistic", "{").error().code(), ErrorCode::Corrupt);
}

}  // namespace
}  // namespace martlet::models
