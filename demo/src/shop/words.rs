//! The words a demo shop is made of. Names are drawn from single characters and belong to
//! nobody; phone numbers begin with 1040, a range that no mobile network in China holds;
//! mail addresses end in a domain that is reserved for examples.

use fastrand::Rng;

const SURNAMES: &[&str] = &[
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林",
    "何", "郭", "马", "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "程", "曹",
    "欧阳", "司徒", "上官",
];
const GIVEN: &[&str] = &[
    "安", "白", "晨", "丹", "恩", "凡", "歌", "禾", "佳", "可", "岚", "明", "宁", "沛", "琪", "若",
    "思", "棠", "文", "夕", "雅", "泽", "舟", "子", "清", "远", "乐", "川", "月", "书", "言", "诺",
];
const PLACES: &[&str] = &[
    "北京市朝阳区",
    "上海市浦东新区",
    "广东省广州市天河区",
    "广东省深圳市南山区",
    "浙江省杭州市滨江区",
    "江苏省南京市建邺区",
    "四川省成都市武侯区",
    "湖北省武汉市洪山区",
    "陕西省西安市雁塔区",
    "山东省青岛市崂山区",
    "福建省厦门市思明区",
    "湖南省长沙市岳麓区",
    "重庆市渝北区",
    "天津市南开区",
    "辽宁省大连市甘井子区",
    "云南省昆明市五华区",
];
const STREETS: &[&str] = &["示例路", "样本街", "演示大道", "测试巷", "例子里"];

/// Roles of the shop's staff, in turn.
pub(super) const ROLES: &[&str] = &["客服", "仓库", "财务", "运营", "数据库管理员", "店长"];

/// SKU, title, unit price in minor units.
pub(super) const PRODUCTS: &[(&str, &str, i64)] = &[
    ("TEA-001", "龙井绿茶 250克", 12_800),
    ("TEA-002", "正山小种红茶 200克", 9_900),
    ("CUP-001", "青瓷茶杯 两只装", 6_800),
    ("CUP-002", "双层玻璃杯 350毫升", 4_590),
    ("BAG-001", "帆布双肩包 灰色", 16_900),
    ("BAG-002", "折叠购物袋 三只装", 2_990),
    ("LMP-001", "护眼台灯 可调色温", 23_900),
    ("LMP-002", "床头小夜灯", 5_900),
    ("BOK-001", "算法导论 中文版", 12_800),
    ("BOK-002", "笔记本 横线 五本装", 3_950),
    ("PEN-001", "钢笔 细尖 礼盒", 19_800),
    ("PEN-002", "中性笔 黑色 十二支", 1_890),
    ("SHO-001", "跑步鞋 男款", 39_900),
    ("SHO-002", "跑步鞋 女款", 39_900),
    ("SHO-003", "室内拖鞋", 2_650),
    ("CLO-001", "纯棉短袖 白色", 7_900),
    ("CLO-002", "羊毛围巾", 15_900),
    ("KIT-001", "不锈钢炒锅 32厘米", 26_900),
    ("KIT-002", "硅胶铲勺 四件套", 5_490),
    ("KIT-003", "保温饭盒 1.2升", 8_900),
    ("ELE-001", "无线耳机", 29_900),
    ("ELE-002", "移动电源 10000毫安时", 12_900),
    ("ELE-003", "机械键盘 87键", 34_900),
    ("TOY-001", "木制积木 一百块", 11_900),
];

pub(super) fn name(rng: &mut Rng) -> String {
    let mut name = pick(rng, SURNAMES).to_owned();
    name.push_str(pick(rng, GIVEN));
    if rng.u8(..4) != 0 {
        name.push_str(pick(rng, GIVEN));
    }
    name
}

/// Eleven digits, beginning with a range that no network holds.
pub(crate) fn phone(rng: &mut Rng) -> String {
    format!("1040{:07}", rng.u32(..10_000_000))
}

pub(crate) fn address(rng: &mut Rng) -> String {
    format!(
        "{}{}{}号{}室",
        pick(rng, PLACES),
        pick(rng, STREETS),
        rng.u16(1..400),
        rng.u16(101..2_600)
    )
}

pub(super) fn email(id: u32) -> String {
    format!("buyer{id:06}@shop.example")
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from[rng.usize(..from.len())]
}
