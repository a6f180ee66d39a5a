"""Arabic as it is spoken; pure. Hours are feminine ordinals; digits of the east are read too."""

import re

from app.bots.sentences import MONTHS
from app.voice.tongue import Day, Tongue, in_words, months_of

HOURS = (
    "الثانية عشرة", "الواحدة", "الثانية", "الثالثة", "الرابعة", "الخامسة", "السادسة", "السابعة",
    "الثامنة", "التاسعة", "العاشرة", "الحادية عشرة",
)  # fmt: skip
MINUTES = {15: "والربع", 20: "والثلث", 30: "والنصف"}
LEVANT_MONTHS = (
    "كانون الثاني", "شباط", "آذار", "نيسان", "أيار", "حزيران", "تموز", "آب", "أيلول", "تشرين الأول",
    "تشرين الثاني", "كانون الأول",
)  # fmt: skip


def _count(number: int) -> str:
    said = in_words(number, "ar").replace(" و ", " و")
    return re.sub(r"مئتا$", "مئتان", said)


def _clock(hour: int, minute: int, before: str) -> str:
    said = HOURS[hour % 12]
    if minute:
        said += f" {MINUTES.get(minute) or f'و{_count(minute)} دقيقة'}"
    part = "صباحًا" if hour % 24 < 12 else "ظهرًا" if hour == 12 else "مساءً"
    named = "" if before.rstrip().endswith("الساعة") else "الساعة "
    return f"{named}{said} {part}"


def _date(day: Day) -> str:
    said = f"{_count(day.day)} {MONTHS['ar'][day.month - 1]}"
    return f"{said} {_count(day.year)}" if day.year else said


def _measured(number: int, forms: tuple[str, str, str]) -> str:
    one, few, many = forms
    if number == 1:
        return f"{one} {'واحدة' if one.endswith('ة') else 'واحد'}"
    if number == 2:
        return " ".join(
            f"{word[:-1]}تان" if word.endswith("ة") else f"{word}ان" for word in one.split()
        )
    counted = few if 3 <= number % 100 <= 10 else many if number % 100 else one
    return f"{_count(number)} {counted}"


AR = Tongue(
    language="ar",
    count=_count,
    digits=(
        "صفر", "واحد", "اثنان", "ثلاثة", "أربعة", "خمسة", "ستة", "سبعة", "ثمانية", "تسعة",
    ),
    signs={
        "-": "شرطة", "_": "شرطة سفلية", ".": "نقطة", ",": "فاصلة", "@": "آت",
        "/": "شرطة مائلة", "\\": "شرطة مائلة عكسية", ":": "نقطتان", ";": "فاصلة منقوطة",
        "!": "علامة تعجب", "?": "علامة استفهام", "#": "مربع", "$": "علامة الدولار",
        "%": "بالمئة", "&": "علامة و", "*": "نجمة", "+": "زائد", "=": "يساوي",
        "~": "علامة التلدة", " ": "مسافة", "(": "قوس مفتوح", ")": "قوس مغلق", "'": "فاصلة عليا",
        '"': "علامة اقتباس", "^": "علامة الإقحام", "|": "خط عمودي", "<": "أصغر من",
        ">": "أكبر من", "[": "قوس مربع مفتوح", "]": "قوس مربع مغلق", "€": "علامة اليورو",
    },
    capital="حرف كبير {}",
    all_small="كلها بأحرف صغيرة: ",
    all_capital="كلها بأحرف كبيرة: ",
    again="أكرر:",
    percent="بالمئة",
    months=months_of(MONTHS["ar"], LEVANT_MONTHS),
    clock=_clock,
    date=_date,
    flat="{house}، شقة {flat}",
    words={
        "د.": "دكتور", "م.": "مهندس", "ش.": "شارع", "ص.ب.": "صندوق بريد", "هـ": "هجري",
        "Wi-Fi": "واي فاي", "WiFi": "واي فاي", "wifi": "واي فاي", "Airbnb": "إير بي إن بي",
        "Booking.com": "بوكينغ دوت كوم", "24/7": "على مدار الساعة", "&": "و",
        "check-in": "تسجيل الوصول", "check-out": "تسجيل المغادرة", "ul.": "شارع",
        "al.": "جادة", "St.": "شارع", "Apt": "شقة", "Apt.": "شقة", "No.": "رقم",
        "واي-فاي": "واي فاي", "إلخ": "إلى آخره",
    },
    to="إلى",
    measured=_measured,
    measures={
        "كم": ("كيلومتر", "كيلومترات", "كيلومترًا"), "م": ("متر", "أمتار", "مترًا"),
        "د": ("دقيقة", "دقائق", "دقيقة"), "km": ("كيلومتر", "كيلومترات", "كيلومترًا"),
        "m": ("متر", "أمتار", "مترًا"), "m²": ("متر مربع", "أمتار مربعة", "مترًا مربعًا"),
        "min": ("دقيقة", "دقائق", "دقيقة"), "h": ("ساعة", "ساعات", "ساعة"),
        "°C": ("درجة", "درجات", "درجة"), "kg": ("كيلوغرام", "كيلوغرامات", "كيلوغرامًا"),
    },
    comma="،",
    currencies={
        "PLN": re.compile(r" بولندي"), "USD": re.compile(r" أمريكي"),
        "GBP": re.compile(r" إسترليني"),
    },
)  # fmt: skip
