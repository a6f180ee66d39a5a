"""The fixed sentences of the product itself, in every language it speaks.

What an operator may word belongs into reply templates; these are the ones that must be right.
"""

from collections.abc import Mapping
from datetime import datetime

import chevron

from app.pms.access import Access, whole_minute

FALLBACK = "en"

DAYS: Mapping[str, tuple[str, ...]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "pl": ("poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota", "niedziela"),
    "de": (
        "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag",
    ),
    "ar": ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"),
}  # fmt: skip
MONTHS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    "pl": (
        "stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia",
        "września", "października", "listopada", "grudnia",
    ),
    "de": (
        "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
        "Oktober", "November", "Dezember",
    ),
    "ar": (
        "يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر",
        "أكتوبر", "نوفمبر", "ديسمبر",
    ),
}  # fmt: skip
MOMENT: Mapping[str, str] = {
    "en": "{{{day}}} {{{date}}} {{{month}}}, {{{time}}} ({{{city}}} time)",
    "pl": "{{{day}}} {{{date}}} {{{month}}}, {{{time}}} (czasu lokalnego, {{{city}}})",
    "de": "{{{day}}}, {{{date}}}. {{{month}}}, {{{time}}} Uhr (Ortszeit {{{city}}})",
    "ar": "{{{day}}} {{{date}}} {{{month}}}، {{{time}}} (بتوقيت {{{city}}})",
}
SENTENCES: Mapping[str, Mapping[str, str]] = {
    "disclosure": {
        "en": "I am {{{name}}}, the AI assistant of {{{tenant}}}.",
        "pl": "Jestem {{{name}}}, asystentem AI firmy {{{tenant}}}.",
        "de": "Ich bin {{{name}}}, der KI-Assistent von {{{tenant}}}.",
        "ar": "أنا {{{name}}}، المساعد الآلي (ذكاء اصطناعي) لدى {{{tenant}}}.",
    },
    "holding": {
        "en": "Thank you, I have passed this on to our team. A colleague will reply to you here.",
        "pl": "Dziękujemy, przekazałem to naszemu zespołowi. Ktoś z nas odpisze tutaj.",
        "de": "Danke, ich habe das an unser Team weitergegeben. Ein Kollege antwortet Ihnen hier.",
        "ar": "شكرًا لك، لقد أبلغت فريقنا بذلك. سيرد عليك أحد الزملاء هنا.",
    },
    "voice_disclosure": {
        "en": "Hello, this is the AI assistant of {{{tenant}}}.",
        "pl": "Dzień dobry, tu asystent AI firmy {{{tenant}}}.",
        "de": "Guten Tag, hier ist der KI-Assistent von {{{tenant}}}.",
        "ar": "مرحبًا، معك المساعد الآلي لدى {{{tenant}}}.",
    },
    "voice_greeting": {
        "en": "How can I help you?",
        "pl": "W czym mogę pomóc?",
        "de": "Wie kann ich Ihnen helfen?",
        "ar": "كيف يمكنني مساعدتك؟",
    },
    "voice_holding": {
        "en": "I have alerted our team, and a colleague will get back to you.",
        "pl": "Zawiadomiłem nasz zespół, ktoś się do Państwa odezwie.",
        "de": "Ich habe unser Team verständigt, ein Kollege meldet sich bei Ihnen.",
        "ar": "لقد أبلغت فريقنا، وسيتواصل معك أحد الزملاء.",
    },
    "voice_rest": {
        "en": "I have passed the rest on to our team, and a colleague will get back to you.",
        "pl": "Resztę przekazałem naszemu zespołowi, ktoś się do Państwa odezwie.",
        "de": "Den Rest habe ich an unser Team weitergegeben, ein Kollege meldet sich bei Ihnen.",
        "ar": "أما الباقي فقد أبلغت به فريقنا، وسيتواصل معك أحد الزملاء.",
    },
    "voice_passed_on": {
        "en": "I have passed that on too. A colleague will see to it.",
        "pl": "To też przekazałem. Ktoś z zespołu się tym zajmie.",
        "de": "Auch das habe ich weitergegeben. Ein Kollege kümmert sich darum.",
        "ar": "لقد أبلغت بهذا أيضًا. سيهتم به أحد الزملاء.",
    },
    "voice_hold_line": {
        "en": "I have alerted our team. Please hold the line, I will tell you if nobody is free.",
        "pl": "Zawiadomiłem nasz zespół. Proszę się nie rozłączać, powiem, jeśli nikt nie może.",
        "de": "Ich habe unser Team verständigt. Bitte bleiben Sie dran, ich sage Ihnen Bescheid, "
        "wenn niemand frei ist.",
        "ar": "لقد أبلغت فريقنا. يرجى البقاء على الخط، وسأخبرك إن لم يكن أحد متاحًا.",
    },
    "voice_call_back": {
        "en": "Nobody is free at this moment. A colleague will call you back on this number.",
        "pl": "W tej chwili nikt nie jest wolny. Ktoś z nas oddzwoni na ten numer.",
        "de": "Gerade ist niemand frei. Ein Kollege ruft Sie unter dieser Nummer zurück.",
        "ar": "لا أحد متاح الآن. سيعاود أحد الزملاء الاتصال بك على هذا الرقم.",
    },
    "voice_which_number": {
        "en": "Nobody is free at this moment. On which number can a colleague call you back?",
        "pl": "W tej chwili nikt nie jest wolny. Pod jaki numer możemy oddzwonić?",
        "de": "Gerade ist niemand frei. Unter welcher Nummer kann ein Kollege Sie zurückrufen?",
        "ar": "لا أحد متاح الآن. على أي رقم يمكن لأحد الزملاء معاودة الاتصال بك؟",
    },
    "voice_number_noted": {
        "en": "Thank you, I have noted the number. A colleague will call you back.",
        "pl": "Dziękuję, zapisałem numer. Ktoś z nas oddzwoni.",
        "de": "Danke, ich habe die Nummer notiert. Ein Kollege ruft Sie zurück.",
        "ar": "شكرًا، لقد دوّنت الرقم. سيعاود أحد الزملاء الاتصال بك.",
    },
    "voice_case_open": {
        "en": "Your case is with our team already, and a colleague will get back to you.",
        "pl": "Nasz zespół już zna Państwa sprawę, ktoś się odezwie.",
        "de": "Ihr Fall liegt bereits bei unserem Team, ein Kollege meldet sich bei Ihnen.",
        "ar": "طلبك لدى فريقنا بالفعل، وسيتواصل معك أحد الزملاء.",
    },
    "voice_case_taken": {
        "en": "{{{name}}} from our team has your case. Shall I ask {{{name}}} to call you back?",
        "pl": "Państwa sprawą zajmuje się {{{name}}}. Czy mam poprosić o oddzwonienie?",
        "de": "{{{name}}} aus unserem Team hat Ihren Fall. Soll ich um einen Rückruf bitten?",
        "ar": "{{{name}}} من فريقنا يتابع طلبك. هل تريد أن أطلب معاودة الاتصال بك؟",
    },
    "voice_call_asked": {
        "en": "I have asked {{{name}}} to call you back.",
        "pl": "Przekazałem prośbę o oddzwonienie: {{{name}}}.",
        "de": "Ich habe {{{name}}} gebeten, Sie zurückzurufen.",
        "ar": "لقد طلبت من {{{name}}} معاودة الاتصال بك.",
    },
    "voice_moment": {
        "en": "One moment please, I am looking that up.",
        "pl": "Chwileczkę, już sprawdzam.",
        "de": "Einen Moment bitte, ich sehe nach.",
        "ar": "لحظة من فضلك، سأتحقق من ذلك.",
    },
    "voice_still_looking": {
        "en": "I am still looking, thank you for waiting.",
        "pl": "Jeszcze sprawdzam, dziękuję za cierpliwość.",
        "de": "Ich suche noch, danke für Ihre Geduld.",
        "ar": "ما زلت أتحقق، شكرًا لانتظارك.",
    },
    "voice_more": {
        "en": "Is there anything else I can do for you?",
        "pl": "Czy mogę jeszcze w czymś pomóc?",
        "de": "Kann ich sonst noch etwas für Sie tun?",
        "ar": "هل هناك شيء آخر يمكنني مساعدتك به؟",
    },
    "after_call": {
        "en": "You called us a moment ago, and the call ended before I could answer.",
        "pl": "Przed chwilą Państwo do nas dzwonili, a rozmowa skończyła się przed odpowiedzią.",
        "de": "Sie haben uns gerade angerufen, und das Gespräch endete vor meiner Antwort.",
        "ar": "لقد اتصلت بنا قبل قليل، وانتهت المكالمة قبل أن أجيب.",
    },
    "voice_are_you_there": {
        "en": "Are you still there?",
        "pl": "Czy jest Pan, Pani tam jeszcze?",
        "de": "Sind Sie noch da?",
        "ar": "هل ما زلت معي؟",
    },
    "voice_goodbye": {
        "en": "I cannot hear you any more, so I will end the call. Goodbye.",
        "pl": "Nic już nie słyszę, więc kończę rozmowę. Do widzenia.",
        "de": "Ich höre Sie nicht mehr und beende das Gespräch. Auf Wiederhören.",
        "ar": "لم أعد أسمعك، سأنهي المكالمة. مع السلامة.",
    },
    "voice_ask_name": {
        "en": "I do not recognise this number. Under what name is the booking?",
        "pl": "Nie rozpoznaję tego numeru. Na jakie nazwisko jest rezerwacja?",
        "de": "Ich erkenne diese Nummer nicht. Auf welchen Namen läuft die Buchung?",
        "ar": "لا أتعرف على هذا الرقم. بأي اسم تم الحجز؟",
    },
    "voice_ask_name_again": {
        "en": "Sorry, under what name is the booking? You can spell the last name.",
        "pl": "Przepraszam, na jakie nazwisko jest rezerwacja? Można je przeliterować.",
        "de": "Entschuldigung, auf welchen Namen läuft die Buchung? Sie können ihn buchstabieren.",
        "ar": "عذرًا، بأي اسم تم الحجز؟ يمكنك تهجئة الاسم.",
    },
    "voice_ask_code": {
        "en": "Thank you. What is the confirmation code of the booking? You can spell it.",
        "pl": "Dziękuję. Jaki jest kod potwierdzenia rezerwacji? Można go przeliterować.",
        "de": "Danke. Wie lautet der Bestätigungscode der Buchung? Sie können ihn buchstabieren.",
        "ar": "شكرًا. ما هو رمز تأكيد الحجز؟ يمكنك تهجئته.",
    },
    "voice_ask_code_again": {
        "en": "Sorry, please tell me the confirmation code once more, letter by letter.",
        "pl": "Przepraszam, proszę podać kod potwierdzenia jeszcze raz, litera po literze.",
        "de": "Entschuldigung, bitte nennen Sie den Bestätigungscode noch einmal, Zeichen für "
        "Zeichen.",
        "ar": "عذرًا، يرجى ذكر رمز التأكيد مرة أخرى حرفًا حرفًا.",
    },
    "voice_ask_dates": {
        "en": "Then please tell me the arrival date and the departure date of the booking.",
        "pl": "W takim razie proszę podać datę przyjazdu i datę wyjazdu.",
        "de": "Dann nennen Sie mir bitte den Anreisetag und den Abreisetag der Buchung.",
        "ar": "إذن يرجى ذكر تاريخ الوصول وتاريخ المغادرة.",
    },
    "voice_ask_which": {
        "en": "You have more than one booking with us. Which one is it? Please tell me the city, "
        "the name of the flat or the dates.",
        "pl": "Mają Państwo u nas więcej niż jedną rezerwację. O którą chodzi? Proszę podać "
        "miasto, nazwę mieszkania albo daty.",
        "de": "Sie haben mehr als eine Buchung bei uns. Um welche geht es? Bitte nennen Sie die "
        "Stadt, den Namen der Wohnung oder die Daten.",
        "ar": "لديك أكثر من حجز لدينا. أي حجز تقصد؟ يرجى ذكر المدينة أو اسم الشقة أو التواريخ.",
    },
    "voice_fact_again": {
        "en": "Sorry, I did not understand that. Please say it once more, slowly.",
        "pl": "Przepraszam, nie zrozumiałem. Proszę powtórzyć powoli.",
        "de": "Entschuldigung, das habe ich nicht verstanden. Bitte sagen Sie es noch einmal "
        "langsam.",
        "ar": "عذرًا، لم أفهم. يرجى تكرار ذلك ببطء.",
    },
    "voice_wrong_fact": {
        "en": "I am afraid that does not match. Please try again, or I can send the access "
        "details into your booking chat instead.",
        "pl": "Niestety to się nie zgadza. Proszę spróbować ponownie albo wyślę dane dostępowe "
        "na czat rezerwacji.",
        "de": "Das stimmt leider nicht überein. Bitte versuchen Sie es noch einmal, oder ich "
        "schicke die Zugangsdaten in Ihren Buchungschat.",
        "ar": "للأسف هذا غير مطابق. يرجى المحاولة مرة أخرى، أو يمكنني إرسال بيانات الدخول إلى "
        "محادثة الحجز.",
    },
    "voice_no_match": {
        "en": "I cannot find a booking with these details. Please tell me the name once more.",
        "pl": "Nie znajduję rezerwacji z tymi danymi. Proszę jeszcze raz podać nazwisko.",
        "de": "Ich finde keine Buchung mit diesen Angaben. Bitte nennen Sie mir noch einmal den "
        "Namen.",
        "ar": "لا أجد حجزًا بهذه البيانات. يرجى ذكر الاسم مرة أخرى.",
    },
    "voice_offer_chat": {
        "en": "I can send the access details into your booking chat instead. Shall I do that?",
        "pl": "Mogę wysłać dane dostępowe na czat rezerwacji. Czy mam to zrobić?",
        "de": "Ich kann die Zugangsdaten in Ihren Buchungschat schicken. Soll ich das tun?",
        "ar": "يمكنني إرسال بيانات الدخول إلى محادثة الحجز. هل أفعل ذلك؟",
    },
    "voice_sent_to_chat": {
        "en": "I have just sent it into your booking chat.",
        "pl": "Właśnie wysłałem to na czat rezerwacji.",
        "de": "Ich habe es gerade in Ihren Buchungschat geschickt.",
        "ar": "لقد أرسلتها للتو إلى محادثة الحجز.",
    },
    "voice_not_sent_to_chat": {
        "en": "I could not send it just now, so I have asked a colleague to help you.",
        "pl": "Nie mogłem tego teraz wysłać, więc poprosiłem o pomoc kogoś z zespołu.",
        "de": "Ich konnte es gerade nicht schicken, daher habe ich einen Kollegen gebeten, Ihnen "
        "zu helfen.",
        "ar": "لم أتمكن من إرسالها الآن، لذلك طلبت من أحد الزملاء مساعدتك.",
    },
    "voice_not_proven": {
        "en": "I cannot confirm the booking, so I have asked a colleague to help you.",
        "pl": "Nie mogę potwierdzić rezerwacji, więc poprosiłem o pomoc kogoś z zespołu.",
        "de": "Ich kann die Buchung nicht bestätigen, daher habe ich einen Kollegen gebeten, Ihnen "
        "zu helfen.",
        "ar": "لا أستطيع تأكيد الحجز، لذلك طلبت من أحد الزملاء مساعدتك.",
    },
    "voice_take_message": {
        "en": "Thank you for calling. What may I pass on to our team?",
        "pl": "Dziękuję za telefon. Co mam przekazać naszemu zespołowi?",
        "de": "Danke für Ihren Anruf. Was darf ich unserem Team ausrichten?",
        "ar": "شكرًا لاتصالك. ماذا أنقل إلى فريقنا؟",
    },
    "voice_message_taken": {
        "en": "Thank you, I have passed this on to our team.",
        "pl": "Dziękuję, przekazałem to naszemu zespołowi.",
        "de": "Danke, ich habe das an unser Team weitergegeben.",
        "ar": "شكرًا، لقد أبلغت فريقنا بذلك.",
    },
    "voice_person_called": {
        "en": "Thank you, I am letting a colleague know right now. They will call you back.",
        "pl": "Dziękuję, już zawiadamiam kogoś z zespołu. Oddzwonimy.",
        "de": "Danke, ich verständige sofort einen Kollegen. Wir rufen Sie zurück.",
        "ar": "شكرًا، سأبلغ أحد الزملاء الآن وسيعاود الاتصال بك.",
    },
    "unproven": {
        "en": "Please tell me the departure date or the confirmation code of your booking first.",
        "pl": "Proszę najpierw podać datę wyjazdu albo kod potwierdzenia rezerwacji.",
        "de": "Bitte nennen Sie mir zuerst den Abreisetag oder den Bestätigungscode Ihrer Buchung.",
        "ar": "يرجى أولًا ذكر تاريخ المغادرة أو رمز تأكيد الحجز.",
    },
    "unproven_by_code": {
        "en": "Please tell me the confirmation code of your booking first.",
        "pl": "Proszę najpierw podać kod potwierdzenia rezerwacji.",
        "de": "Bitte nennen Sie mir zuerst den Bestätigungscode Ihrer Buchung.",
        "ar": "يرجى أولًا ذكر رمز تأكيد الحجز.",
    },
    "busy_line": {
        "en": "All our lines are busy at the moment. Please call again in a few minutes.",
        "pl": "Wszystkie linie są teraz zajęte. Proszę zadzwonić za kilka minut.",
        "de": "Alle Leitungen sind gerade belegt. Bitte rufen Sie in einigen Minuten wieder an.",
        "ar": "جميع الخطوط مشغولة الآن. يرجى الاتصال مجددًا بعد بضع دقائق.",
    },
    "broken_line": {
        "en": "Sorry, we have a technical problem. Please call again, or write to us in the chat.",
        "pl": "Przepraszamy, mamy awarię. Proszę zadzwonić ponownie lub napisać na czacie.",
        "de": "Entschuldigung, eine Störung. Bitte rufen Sie wieder an oder schreiben Sie uns.",
        "ar": "عذرًا، لدينا مشكلة تقنية. يرجى الاتصال مجددًا أو مراسلتنا في المحادثة.",
    },
    "attachment": {
        "en": "Thank you. I cannot look at photos or voice notes, so I have asked a colleague to.",
        "pl": "Dziękujemy. Nie mogę obejrzeć zdjęć ani odsłuchać nagrań, więc poprosiłem kolegę.",
        "de": "Danke. Fotos oder Sprachnachrichten kann ich nicht ansehen, ein Kollege tut es.",
        "ar": "شكرًا لك. لا أستطيع الاطلاع على الصور أو الرسائل الصوتية، لذلك طلبت من زميل ذلك.",
    },
    "rest": {
        "en": "I have passed the rest of your message on to our team; a colleague will reply here.",
        "pl": "Resztę wiadomości przekazałem naszemu zespołowi; ktoś z nas odpisze tutaj.",
        "de": "Den Rest Ihrer Nachricht habe ich an unser Team weitergegeben; ein Kollege "
        "antwortet Ihnen hier.",
        "ar": "أما بقية رسالتك فقد أبلغت بها فريقنا، وسيرد عليك أحد الزملاء هنا.",
    },
    "booking_change": {
        "en": "I cannot change a booking myself, so I have passed your request on to our team. "
        "A colleague will reply to you here.",
        "pl": "Nie mogę sam zmienić rezerwacji, dlatego przekazałem prośbę naszemu zespołowi. "
        "Ktoś z nas odpisze tutaj.",
        "de": "Eine Buchung kann ich nicht selbst ändern, daher habe ich Ihre Bitte an unser Team "
        "weitergegeben. Ein Kollege antwortet Ihnen hier.",
        "ar": "لا أستطيع تعديل الحجز بنفسي، لذلك أبلغت فريقنا بطلبك. سيرد عليك أحد الزملاء هنا.",
    },
    "greeting": {
        "en": "Hello! How can I help you?",
        "pl": "Dzień dobry! W czym mogę pomóc?",
        "de": "Guten Tag! Wie kann ich Ihnen helfen?",
        "ar": "مرحبًا! كيف يمكنني مساعدتك؟",
    },
    "too_early": {
        "en": "I can share the access details from {{{when}}}.",
        "pl": "Dane dostępowe mogę podać od: {{{when}}}.",
        "de": "Die Zugangsdaten kann ich ab {{{when}}} nennen.",
        "ar": "يمكنني إعطاؤك بيانات الدخول ابتداءً من {{{when}}}.",
    },
    "not_confirmed": {
        "en": "I can share the access details once your booking is confirmed.",
        "pl": "Dane dostępowe mogę podać, gdy rezerwacja zostanie potwierdzona.",
        "de": "Die Zugangsdaten kann ich nennen, sobald Ihre Buchung bestätigt ist.",
        "ar": "يمكنني إعطاؤك بيانات الدخول بعد تأكيد حجزك.",
    },
    "not_paid": {
        "en": "I can share the access details once the payment is complete.",
        "pl": "Dane dostępowe mogę podać po zaksięgowaniu płatności.",
        "de": "Die Zugangsdaten kann ich nennen, sobald die Zahlung vollständig ist.",
        "ar": "يمكنني إعطاؤك بيانات الدخول بعد اكتمال الدفع.",
    },
    "agreement_missing": {
        "en": "I can share the access details once the rental agreement is signed.",
        "pl": "Dane dostępowe mogę podać po podpisaniu umowy najmu.",
        "de": "Die Zugangsdaten kann ich nennen, sobald der Mietvertrag unterschrieben ist.",
        "ar": "يمكنني إعطاؤك بيانات الدخول بعد توقيع عقد الإيجار.",
    },
    "over": {
        "en": "Your stay has ended, so I can no longer share access details.",
        "pl": "Pobyt już się zakończył, więc nie mogę podać danych dostępowych.",
        "de": "Ihr Aufenthalt ist beendet, daher kann ich keine Zugangsdaten mehr nennen.",
        "ar": "لقد انتهت إقامتك، لذلك لا يمكنني إعطاء بيانات الدخول.",
    },
    "not_ready": {
        "en": "Your door code is not ready yet. A colleague will send it to you in time.",
        "pl": "Kod do drzwi nie jest jeszcze gotowy. Ktoś z zespołu wyśle go na czas.",
        "de": "Ihr Türcode ist noch nicht bereit. Ein Kollege schickt ihn Ihnen rechtzeitig.",
        "ar": "رمز الباب غير جاهز بعد. سيرسله إليك أحد الزملاء في الوقت المناسب.",
    },
    "several_stays": {
        "en": "You have more than one booking with us. Please tell us which one you mean.",
        "pl": "Masz u nas więcej niż jedną rezerwację. Prosimy napisać, o którą chodzi.",
        "de": "Sie haben mehr als eine Buchung bei uns. Bitte sagen Sie uns, welche Sie meinen.",
        "ar": "لديك أكثر من حجز لدينا. يُرجى إخبارنا بالحجز الذي تقصده.",
    },
    "cannot_say": {
        "en": "I cannot share access details here. A colleague will reply to you.",
        "pl": "Nie mogę podać tutaj danych dostępowych. Odpowie ktoś z zespołu.",
        "de": "Zugangsdaten kann ich hier nicht nennen. Ein Kollege antwortet Ihnen.",
        "ar": "لا يمكنني إعطاء بيانات الدخول هنا. سيرد عليك أحد الزملاء.",
    },
}
UNPROVEN = {"unproven": "unproven", "unproven_by_code": "unproven_by_code"}
"""Access that waits for a fact of the booking: the caller is asked for it."""
LOCKED_BY_REASON = {
    "too_early": "too_early",
    "previous_stay": "too_early",
    "not_confirmed": "not_confirmed",
    "dates_unspecified": "not_confirmed",
    "not_paid": "not_paid",
    "agreement_missing": "agreement_missing",
    "over": "over",
}
"""What the bot may say about locked access by itself; anything else is a person's matter too."""
SAID_BY_REASON = {**LOCKED_BY_REASON, **UNPROVEN, "several_stays": "several_stays"}


def sentence(which: str, language: str, /, **values: str) -> str:
    """A fixed sentence in a language, English where we do not speak it."""
    versions = SENTENCES[which]
    return _rendered(versions.get(language, versions[FALLBACK]), values)


def by_medium(which: str, medium: str) -> str:
    """The name of a sentence as it is said on a medium: on the phone nobody answers "here"."""
    spoken = f"voice_{which}"
    return spoken if medium == "phone" and spoken in SENTENCES else which


def access_sentence(access: Access, language: str) -> str:
    """Why access is locked and from when it opens; empty while it is open."""
    if access.allowed:
        return ""
    name = SAID_BY_REASON.get(access.reason, "cannot_say")
    opens = access.opens_at
    when = moment_in_words(whole_minute(opens), language) if opens else ""
    return sentence(name, language, when=when)


def moment_in_words(moment: datetime, language: str) -> str:
    """A local moment as people say it: `Tuesday 24 November, 15:00 (Warsaw time)`."""
    spoken = language if language in DAYS else FALLBACK
    zone = str(moment.tzinfo)
    values = {
        "day": DAYS[spoken][moment.weekday()],
        "date": str(moment.day),
        "month": MONTHS[spoken][moment.month - 1],
        "time": f"{moment:%H:%M}",
        "city": zone.rsplit("/", 1)[-1].replace("_", " "),
    }
    return _rendered(MOMENT[spoken], values)


def _rendered(text: str, values: Mapping[str, str]) -> str:
    """Our own plain Mustache, by chevron; what operators write goes through `app.bots.template`."""
    rendered: str = chevron.render(text, values)
    return rendered
